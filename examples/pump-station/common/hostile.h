// Code that has turned against the rest of the system, as if an attacker had taken the part over: with all that the
// part has, and nothing else.
#pragma once

// Tries, and writes to the log what became of it: connections that the manifest does not give (`foreign`, ends with
// NULL); rubbish as requests to the servers it does have (`own`); more messages than queue `queue` (may be NULL) takes;
// more memory than its quota. Then it reads memory that is not its own, which is its end.
void hostile_run(const char* const foreign[], const char* const own[], const char* queue);
