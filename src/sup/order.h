/* sup/order.h - the order in which mounts come up and go down where one lies in another (sup/nest.h): the one place that lets a mount be launched. */

#ifndef SUP_ORDER_H
#define SUP_ORDER_H

#include "sup/sup.h"

/*
 * Tells each mount what has come of those that it lies in, or that lie in it (EVENT_READY, EVENT_OUTER_FAILED, EVENT_OUTER_GOES,
 * EVENT_INNER_STAYS). True: something was told, and more may follow from it.
 */
bool order_step(struct sup *s);

#endif
