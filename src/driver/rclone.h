/* driver/rclone.h - rclone's mount as a driver: the glue between driver/driver.h and src/rclone. */

#ifndef DRIVER_RCLONE_H
#define DRIVER_RCLONE_H

#include "driver/driver.h"

extern const struct driver driver_rclone;

#endif
