#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif
uint32_t lt_heap_get_free(void);
#ifdef __cplusplus
}
#endif
