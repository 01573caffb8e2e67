/* What the agent is to the machine that it runs on: a user, limits, and a service that its manager
 * is told about. It knows nothing of requests. */
#ifndef SERVICE_H
#define SERVICE_H

#include "core/config.h"
#include "store/store.h"
#include <ev.h>

struct service {
    struct ev_loop *loop;
    ev_timer tick;       /* shows that the loop turns, and says what is due */
    struct store *store; /* whose state is told; NULL: the agent ends */
    const char *state;   /* as it was told last */
};

/* Logs as configured. */
void service_log(const struct config *config);

/* Becomes the user of the configuration, when started as root, and decides about core files. To be
 * called before anything is opened. Returns NULL, or what failed (static). */
const char *service_become_user(const struct config *config);

/* Raises the limit of open files to what max-connections needs; warns when it cannot. */
void service_raise_files(const struct config *config);

/* Tells that the agent serves, and from now on whether its store is ready. */
void service_started(struct service *service, struct ev_loop *loop, struct store *store);

/* Tell that the configuration is being read again, and that this is over. */
void service_reloading(void);
void service_reloaded(void);

/* Tells that the agent ends, which may take as long as draining. */
void service_stopping(struct service *service, const struct config *config);

/* Stops telling. */
void service_finish(struct service *service);

#endif
