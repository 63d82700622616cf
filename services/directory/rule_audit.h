/* The chain of the audit log. Pure. */
#ifndef DIR_RULE_AUDIT_H
#define DIR_RULE_AUDIT_H

#include "yc/v1/directory.pb-c.h"

/* SHA-256 over the hash of the row before ("" for the first) and every column of this row. */
void dir_audit_hash(const char *prev, const Pb__AuditRow *r, char out[65]);

#endif
