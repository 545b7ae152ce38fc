// Results of this program, as records for the test runner.
#pragma once

void check(const char* name, bool ok, unsigned long long detail = 0);

// threads.cpp
void check_locks();
void check_thread_manager();
void check_cpp_threads();
