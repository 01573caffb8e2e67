/* What a policy has beside its keys. */
#include "config_keys.h"
#include "key.h"
#include "normalize.h"

enum { RULES_MAX = 1 << 20 }; /* bytes; no policy comes near */

void config_free_policies(struct config *c)
{
    const struct config_sections *policies = &c->sections[CONFIG_POLICY];

    for (size_t i = 0; i < policies->count; i++) {
        struct policy *policy = policies->all[i]->item;
        normalizer_free(policy->normalizer);
        policy->normalizer = NULL;
    }
}

static bool make_normalizer(const struct config *c, const struct config_section *section,
                            struct buf *errors)
{
    struct policy *policy = section->item;
    char error[MASK_ERROR_MAX];
    const struct normalize_options options = {
        .nfc = str_list_has(&policy->normalize, STR("nfc")),
        .masks = policy->mask.items,
        .mask_count = policy->mask.count,
        .collapse_space = str_list_has(&policy->normalize, STR("collapse-space")),
        .trim = str_list_has(&policy->normalize, STR("trim")),
    };

    if (normalizer_new(&policy->normalizer, &options, error))
        return true;
    config_complain(c, section, "mask", errors);
    buf_printf(errors, "%s\n", error);
    return false;
}

static bool digest_rules(const struct config *c, struct policy *policy, struct buf *errors)
{
    struct buf scratch = buf_new(RULES_MAX);

    policy->rules = key_rules(policy, &scratch);
    bool good = buf_ok(&scratch);
    buf_free(&scratch);
    if (!good)
        buf_printf(errors, "%s: no memory\n", c->file);
    return good;
}

bool config_complete_policies(struct config *c, struct buf *errors)
{
    const struct config_sections *policies = &c->sections[CONFIG_POLICY];
    bool good = true;

    config_free_policies(c);
    for (size_t i = 0; i < policies->count; i++)
        good &= make_normalizer(c, policies->all[i], errors) &&
                digest_rules(c, policies->all[i]->item, errors);
    return good;
}
