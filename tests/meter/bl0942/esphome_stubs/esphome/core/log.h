#pragma once
#define ESP_LOGV(...) ((void) TAG)
#define ESP_LOGI(...) ((void) TAG)
#define ESP_LOGW(...) ((void) TAG)
#define ESP_LOGCONFIG(...) ((void) TAG)
#define LOG_SENSOR(...) ((void) 0)
#define LOG_STR(text) text
#define TRUEFALSE(value) ((value) ? "TRUE" : "FALSE")
