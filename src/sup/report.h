/* sup/report.h - what stands, as a struct report. */

#ifndef SUP_REPORT_H
#define SUP_REPORT_H

#include "sup/sup.h"

/* In R and A; E is of the whole. SINCE other than 0: also what has become of each mount, and what is not in S3 yet, known since then (sup/look.h). */
void report_make(struct sup *s, struct report *r, struct arena *a, const struct err *e, unsigned long since);

#endif
