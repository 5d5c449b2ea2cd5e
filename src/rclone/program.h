/* rclone/program.h - where the rclone program is. */

#ifndef RCLONE_PROGRAM_H
#define RCLONE_PROGRAM_H

#include "base/err.h"

#include <limits.h>

/*
 * The program that OPTION (--rclone) names, else S3MOUNTS_RCLONE, else the first acceptable one in PATH, with its links
 * resolved. What root executes must belong to root, and each folder above it too. Returns 0, or -1 with *E set (CODE_MOUNT).
 */
int rclone_find(char out[PATH_MAX], const char *option, struct err *e);

#endif
