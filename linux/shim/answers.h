// What the shim does with a call by its number; ascending, for assembly and C++. All others are faults.
//
// call: a call through the gate (layout.h), which costs a third of a fault. Such a call has at most four arguments,
// does not look at its thread's registers, and seldom sleeps: one that does is made twice. message: the same if the
// fifth and sixth argument are nothing; events: if it does not wait either.
#pragma once

// The page of the gate: behind what programs may map or name to the server.
#define SHIM_GATE 0x7ffffffff000

// clang-format off
#define KOS_SHIM_ANSWERS(A) \
    A(17, call) A(19, call) A(20, call) A(21, call) A(22, events) A(23, call) A(24, call) A(25, call) A(29, call) \
    A(34, call) A(35, call) A(46, call) A(48, call) A(49, call) A(50, call) A(52, call) A(53, call) A(56, call) \
    A(57, call) A(59, call) A(61, call) A(62, call) A(63, call) A(64, call) A(65, call) A(66, call) A(67, call) \
    A(68, call) A(71, call) A(78, call) A(79, call) A(80, call) A(82, call) A(83, call) A(85, call) A(86, call) \
    A(87, call) A(88, call) A(96, call) A(98, futex) A(99, call) A(102, call) A(103, call) A(107, call) A(108, call) \
    A(109, call) A(110, call) A(111, call) A(112, call) A(113, clock) A(114, call) A(123, call) A(124, yield) \
    A(129, call) A(130, call) A(131, call) A(134, call) A(135, call) A(136, call) A(140, call) A(141, call) \
    A(148, call) A(150, call) A(153, call) A(154, call) A(155, call) A(156, call) A(158, call) A(160, call) \
    A(163, call) A(165, call) A(166, call) A(168, call) A(169, call) A(172, pid) A(173, call) A(174, call) \
    A(175, call) A(176, call) A(177, call) A(178, tid) A(179, call) A(198, call) A(199, call) A(200, call) \
    A(201, call) A(204, call) A(205, call) A(206, message) A(207, message) A(210, call) A(211, call) A(212, call) \
    A(261, call) A(278, call) A(279, call)
// clang-format on
