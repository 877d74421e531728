// As much of LibreTiny's headers as the component needs to be compiled for the module's core; nothing here ever runs.
#pragma once
#include <stdint.h>
typedef uint32_t TickType_t;
typedef int BaseType_t;
typedef unsigned UBaseType_t;
#define configTICK_RATE_HZ 500
#define portTICK_PERIOD_MS 2
#define configMAX_PRIORITIES 10
#define pdMS_TO_TICKS(ms) ((ms) / portTICK_PERIOD_MS)
#define pdTRUE 1
#define pdFALSE 0
#define portMAX_DELAY 0xFFFFFFFF
