/*
 * s3/xml.h - a pull parser for the XML that S3 servers answer with. No DTD (refused), no namespaces; attributes are skipped;
 * elements must close in order. Allocates nothing.
 */

#ifndef S3_XML_H
#define S3_XML_H

#include "base/buf.h"

#define XML_DEPTH 16 /* S3's documents nest five deep */

enum xml_token { XML_OPEN, XML_CLOSE, XML_TEXT, XML_END, XML_BAD };

struct xml {
	struct span rest;
	struct span name; /* of XML_OPEN and XML_CLOSE */
	struct span text; /* of XML_TEXT: raw, see xml_text() */
	int depth;	  /* of the element that is open */
	bool closing, seen_root;
	struct span open[XML_DEPTH];
};

void xml_start(struct xml *x, struct span document);

/* XML_BAD is final: more than XML_DEPTH levels, wrong order, cut off, a second root, text outside the root. */
enum xml_token xml_next(struct xml *x);

/* Appends RAW with its references (&amp; &#x41; …) decoded; an unknown one is copied literally. */
void xml_text(struct buf *out, struct span raw);

#endif
