// Everything of the C++ wrapper.
#pragma once

#include <kos/cpp/deadline.h>
#include <kos/cpp/device.h>
#include <kos/cpp/log.h>
#include <kos/cpp/message.h>
#include <kos/cpp/result.h>
#include <kos/cpp/ring.h>
#include <kos/cpp/server.h>
#include <kos/cpp/sync.h>
#include <kos/cpp/thread.h>
