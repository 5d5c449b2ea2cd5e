/*
 * base/log.h - a log file that cannot fill the disk: at LOG_MAX bytes it becomes PATH.1, in the place of an older one, and a new one begins. One line
 * an event, with UTC time. Never give it a secret.
 *
 * Nobody waits for a reader: what a pipe or a terminal does not take at once is kept, up to LOG_KEPT bytes, and goes out when it can; what comes
 * beyond is dropped, and a line tells how much.
 */

#ifndef BASE_LOG_H
#define BASE_LOG_H

#define LOG_MAX (256 * 1024)
#define LOG_KEPT (32 * 1024)

/* Opens PATH (mode 0600, appended to) for all later lines. Without it, or where it fails, lines go nowhere. errno is kept. */
void log_open(const char *path);

/* Lines go to FD as well, for a program that runs in the foreground. FD's own flags stay as they are: others have it open too. */
void log_also(int fd);

/* A descriptor to wait for with POLLOUT, because there are lines that it has not taken; -1: there are none. */
int log_waiting(void);

/* It can be written to: goes on with them. */
void log_go_on(void);

/* The time now, "2026-11-23T14:05:00Z"; "?" where the clock tells none. */
#define LOG_TIME 24
void log_time(char out[LOG_TIME]);

void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
