/*
 * mnt/helper.h - the fusermount3(1) applet: what a FUSE program calls to mount and unmount.
 *
 * fusermount3 [-o OPTIONS] [--] MOUNTPOINT	mounts; sends the descriptor of /dev/fuse over the socket _FUSE_COMMFD
 * fusermount3 -u [-z] [-q] [--] MOUNTPOINT	unmounts; -z lazily (MNT_DETACH), -q silently
 * fusermount3 -V | -h
 *
 * OPTIONS: see mnt/options.h. Messages go to stderr after the name it was called by ("fusermount3: …", "fusermount: …"); a
 * missing mount point with the text that rclone looks for: "failed to access mountpoint X: No such file or directory".
 *
 * Without the right to mount(2) it becomes the system's set-uid helper (execv) if there is one, else says what is missing. It is
 * not made to be set-uid itself, and refuses to run so.
 */

#ifndef MNT_HELPER_H
#define MNT_HELPER_H

/* The applet's main(); argv[0] is the applet's name. Returns its exit status: 0, or 1 on any failure, as fusermount3 does. */
int fusermount_main(char **argv);

#endif
