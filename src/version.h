/* The version of fnet, as `fnet -v` and saved files show it; lua/fnet/base/init.lua has it too. */
#ifndef FNET_VERSION_H
#define FNET_VERSION_H

#define FNET_VERSION "0.2.0"

#endif
