// What root does about several cores (docs/design/core.md, "Several cores").
#pragma once

namespace root {

// Before the first domain: tries whether a passive server gets from one core to another under all circumstances. If
// not, each core is made to choose again what it runs, a thousand times a second.
void prepare_cores();

}  // namespace root
