/*
 * base/log.h - a log file that cannot fill the disk: at LOG_MAX bytes it starts again from nothing. One line an event, with UTC time. Never
 * give it a secret.
 */

#ifndef BASE_LOG_H
#define BASE_LOG_H

#define LOG_MAX (256 * 1024)

/* Opens PATH (mode 0600, appended to) for all later lines. Without it, or where it fails, lines go nowhere. errno is kept. */
void log_open(const char *path);

/* Lines go to FD as well, for a program that runs in the foreground. */
void log_also(int fd);

/* The time now, "2026-11-23T14:05:00Z"; "?" where the clock tells none. */
#define LOG_TIME 24
void log_time(char out[LOG_TIME]);

void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
