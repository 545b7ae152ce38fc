# The motor's contactor, the relief valve's coil and the float switches in the basin.
@0xd2f7a2c4e8b91a35;

interface Actuators {
  drive @0 (motorPercent :UInt8, valveClosed :Bool) -> (floatLow :Bool, floatHigh :Bool);
  # Both drop out by themselves 200 ms after the last request: the motor stops, a spring opens the valve. More than 100 % is
  # 100. `floatLow`: the water is below the lower switch (240 mm); `floatHigh`: above the upper one (900 mm).
}
