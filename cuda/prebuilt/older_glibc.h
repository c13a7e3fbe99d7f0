// Names the oldest versions of functions that glibc 2.34 has given new ones, so that a library that
// is linked on a newer system loads on JetPack 5, whose glibc is 2.31.
#pragma once

__asm__(".symver dlopen,dlopen@GLIBC_2.17");
__asm__(".symver dlsym,dlsym@GLIBC_2.17");
