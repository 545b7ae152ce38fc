ExUnit.start(assert_receive_timeout: 20_000)
