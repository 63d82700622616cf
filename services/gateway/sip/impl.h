/* Private to sip/: what its files share. The only header with types of sofia. */
#ifndef GW_SIP_IMPL_H
#define GW_SIP_IMPL_H

#define NUA_MAGIC_T struct sip
#define NUA_HMAGIC_T struct sip_any
#define SU_ROOT_MAGIC_T struct sip

#include <sofia-sip/su_wait.h>

#include "sip/sip.h"

#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/tport_tag.h>

#include "yc/metric.h"

/* What a nua handle is bound to: the first member of legs and trunk registrations tells them apart. */
enum sip_any_kind { SIP_ANY_LEG = 1, SIP_ANY_TRUNK };
struct sip_any { enum sip_any_kind kind; };

struct sip_registrar;
struct sip_watch;

struct sip {
	su_root_t *root;
	nua_t *nua;
	struct sip_conf conf;
	char host[64];                   /* in SDP, Contact and From */
	int port;
	const struct sip_handlers *h;
	void *arg;
	struct phones *phones;
	struct trunks *trunks;
	struct sip_registrar *registrar;
	su_timer_t *alarm, *sweep;
	struct sip_leg *legs;            /* every dialog that exists */
	int n_legs, shut;
	struct sip_watch *watches;
};

enum leg_state { LEG_INCOMING, LEG_CALLING, LEG_UP, LEG_DYING };
struct sip_leg {
	struct sip_any any;
	struct sip *s;
	nua_handle_t *nh;
	const struct sip_leg_ops *ops;   /* NULL once the owner has let go */
	void *owner;
	enum leg_state state;
	int refused, late_offer, acked;
	int offer_pending;               /* event of an offer not yet answered: its nua event, 0 = none */
	int our_offer;                   /* the re-INVITE in progress carries our SDP (the stack's own refresh of an incoming leg does not) */
	int allows_update, allows_talk, outgoing;
	uint64_t talk_ref;
	int64_t dying_at;
	struct sip_leg *prev, *next;
};

enum sip_metric {
	SIPM_INVITES, SIPM_REGISTERS, SIPM_REGISTER_FAILED, SIPM_REGISTER_BLOCKED, SIPM_GARBAGE, SIPM_STUCK, SIPM_COUNT
};
extern struct yc_metric sip_metrics[SIPM_COUNT];

/* leg.c */
struct sip_leg *leg_new(struct sip *s, nua_handle_t *nh);
void leg_event(struct sip_leg *l, nua_event_t event, int status, char const *phrase, sip_t const *sip);
void leg_incoming(struct sip *s, nua_handle_t *nh, sip_t const *sip);
void leg_forked(struct sip *s, nua_handle_t *nh);
void leg_sweep(struct sip *s, int64_t now);
/* registrar.c */
struct sip_registrar *registrar_new(void);
void registrar_free(struct sip_registrar **r);
void registrar_request(struct sip *s, nua_handle_t *nh, sip_t const *sip);
void registrar_sweep(struct sip_registrar *r, int64_t now, int64_t window_ms);
/* trunk.c */
void trunk_event(struct sip *s, struct sip_any *any, nua_event_t event, int status, char const *phrase, sip_t const *sip);
void trunk_sweep(struct sip *s, int64_t now);
void trunk_close(struct sip *s);
/* timer.c */
void sip_timers_cure(void);
int sip_timers_cured(void);              /* has the stack's loop come through our definition? */
/* ua.c: address the current request came from */
void sip_source(struct sip *s, char *ip, size_t n, int *port);

#endif
