/*
 * base/log.h - a log file that cannot fill the disk: at LOG_MAX bytes it is renamed to PATH.1, replacing an older one, and a
 * new one is begun. One line per event, with UTC time. Never give it a secret.
 *
 * Nobody waits for a reader: what a pipe or a terminal does not accept at once is kept, up to LOG_KEPT bytes, and written when
 * it can be; anything beyond that is dropped, and a line says how much.
 */

#ifndef BASE_LOG_H
#define BASE_LOG_H

#define LOG_MAX (256 * 1024)
#define LOG_KEPT (32 * 1024)

/* Opens PATH (mode 0600, appended to) for all later lines. Before that, or if it fails, lines go nowhere. errno is kept. */
void log_open(const char *path);

/*
 * Copies all lines to FD, for a program that runs in the foreground. FD's own flags stay as they are: others have it open too.
 */
void log_also(int fd);

/* The same, but only lines of log_news(), as "s3mounts: TEXT": for whoever started a program in the background, and still looks. */
void log_news_to(int fd);

/* The descriptor to poll for POLLOUT, because there are lines that it has not accepted yet; -1: there are none. */
int log_waiting(void);

/* To be called when it can be written to. */
void log_go_on(void);

/* The current time, "2026-11-23T14:05:00Z"; "?" when it cannot be formatted. */
#define LOG_TIME 24
void log_time(char out[LOG_TIME]);

void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, for what somebody who does not read the log should know. */
void log_news(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
