# Tests with @tag :device only make sense on the device (mix kos.test), those with @tag :host only here.
ExUnit.start(exclude: [:device])
