/* states_tool.c - draws the state machine of a mount (sup/states.h) as a Mermaid state diagram; "dot" as its argument: for Graphviz. */

#include "sup/states.h"

#include <stdio.h>
#include <string.h>

/* All events that lead from S to TO, with commas between. Returns how many there are. */
static int list_events(char *out, size_t size, enum mount_state s, enum mount_state to)
{
	int count = 0;

	*out = 0;
	for (int ev = 0; ev < EVENT_COUNT; ev++) {
		if (!(state_next(s, (enum mount_event)ev) & STATE_BIT(to)))
			continue;
		snprintf(out + strlen(out), size - strlen(out), "%s%s", count++ ? ", " : "", event_label((enum mount_event)ev));
	}
	if (state_entry_next(s) & STATE_BIT(to))
		snprintf(out + strlen(out), size - strlen(out), "%sat once", count++ ? ", " : "");
	return count;
}

int main(int argc, char **argv)
{
	bool dot = argc > 1 && strcmp(argv[1], "dot") == 0;
	char events[512];

	puts(dot ? "digraph mount {\n\tnode [shape=box, fontname=sans]; edge [fontname=sans, fontsize=10];" :
		   "stateDiagram-v2\n    [*] --> down");
	for (enum mount_state s = 0; s < MOUNT_STATES; s++)
		for (enum mount_state to = 0; to < MOUNT_STATES; to++)
			if (list_events(events, sizeof events, s, to))
				printf(dot ? "\t%s -> %s [label=\"%s\"];\n" : "    %s --> %s: %s\n", state_label(s),
					state_label(to), events);
	if (dot)
		puts("}");
	return 0;
}
