#pragma once
#include "FreeRTOS.h"
typedef struct tskTaskControlBlock *TaskHandle_t;
#ifdef __cplusplus
extern "C" {
#endif
TickType_t xTaskGetTickCount(void);
TickType_t xTaskGetTickCountFromISR(void);
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t wait);
BaseType_t xTaskNotifyGive(TaskHandle_t task);
void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken);
#ifdef __cplusplus
}
#endif
