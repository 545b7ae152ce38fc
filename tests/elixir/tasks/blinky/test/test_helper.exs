ExUnit.start(exclude: [:device])
