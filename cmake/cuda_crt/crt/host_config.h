#pragma once

// As host_defines.h beside this: what it checks is the compiler of a toolkit.
