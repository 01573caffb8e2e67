#include "purge_script.h"

#include "core/decimal.h"
#include "redis.h"

/* ARGV: what is known, as term, epoch and serial; now; next_term; scopes; repairs; the most
 * fields of the hash; PURGE_HOLD; PURGE_AHEAD.
 *
 * The epoch follows the clock, so that one which was lost is hardly given again for another purge.
 * HDEL is there for a Redis that is full: it refuses HSET, but not in a script that has begun to
 * write. A full table loses its oldest quarter to "all", so that this is seldom. What was purged
 * since something was lost is purged again when that is written back, where its epoch may be one
 * that answers knew of the lost history. */
static const char script[] =
    "local key, RING = KEYS[1], 256\n"
    "local term, known, known_serial = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])\n"
    "local now, hold, ahead = tonumber(ARGV[4]), tonumber(ARGV[9]), tonumber(ARGV[10])\n"
    "local is = redis.call('HMGET', key, 'epoch', 'serial', 'term', 'run', 'was', 'held', 'all')\n"
    "local epoch, serial = tonumber(is[1]) or 0, tonumber(is[2]) or 0\n"
    "local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')\n"
    "local whole, unknown, lost = term == '0', false, nil\n"
    "local function text(number) return string.format('%.0f', number) end\n"
    "local function set(...)\n"
    "    redis.call('HDEL', key, '-')\n"
    "    redis.call('HSET', key, ...)\n"
    "end\n"
    "local function log(scope, at)\n"
    "    serial = serial + 1\n"
    "    set('epoch', text(epoch), 'serial', text(serial),\n"
    "        '@' .. text(serial % RING), scope .. ' ' .. text(at))\n"
    "end\n"
    "local function is_scope(field)\n"
    "    return field == 'all' or string.find(field, '^#') or string.find(field, ':', 1, true)\n"
    "end\n"
    "local function scopes()\n"
    "    local list, fields = {}, redis.call('HGETALL', key)\n"
    "    for i = 1, #fields, 2 do\n"
    "        if is_scope(fields[i]) then\n"
    "            list[#list + 1] = {fields[i], tonumber(fields[i + 1])}\n"
    "        end\n"
    "    end\n"
    "    return list\n"
    "end\n"
    "local function note(scope)\n"
    "    epoch = math.max(epoch + 1, now)\n"
    "    if scope == 'all' then redis.call('DEL', key) end\n"
    "    set(scope, text(epoch), 'term', is[3], 'run', is[4])\n"
    "    log(scope, epoch)\n"
    "end\n"
    "local folded\n"
    "local function fold()\n"
    "    local list = scopes()\n"
    "    table.sort(list, function(a, b) return a[2] < b[2] end)\n"
    "    local count = math.ceil(#list / 4)\n"
    "    for i = 1, count do redis.call('HDEL', key, list[i][1]) end\n"
    "    folded = list[count][2]\n"
    "    set('all', text(folded))\n"
    "    log('fold', folded)\n"
    "end\n"
    "local function doubt()\n"
    "    unknown = epoch > 0 or known > 0\n"
    "    epoch = math.max(epoch, known, now) + ahead\n"
    "    is[3], is[4], is[5], is[6] = ARGV[5], run, false, false\n"
    "    note('all')\n"
    "    term, whole, lost = is[3], true, nil\n"
    "end\n"
    "local function milliseconds()\n"
    "    local time = redis.call('TIME')\n"
    "    return time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "end\n"
    "local function inherit()\n"
    "    local was, keep = is[3] .. ' ' .. text(epoch), 7\n"
    "    for old in string.gmatch(is[5] or '', '%d+ %d+') do\n"
    "        if keep > 0 then was, keep = was .. ' ' .. old, keep - 1 end\n"
    "    end\n"
    "    epoch = math.max(epoch, now) + ahead\n"
    "    is[3], is[4], is[5] = ARGV[5], run, was\n"
    "    is[6] = text(milliseconds() + hold) .. ' ' .. text(epoch)\n"
    "    set('epoch', text(epoch), 'term', is[3], 'run', is[4], 'was', is[5], 'held', is[6])\n"
    "end\n"
    "local function inherited()\n"
    "    for old, at in string.gmatch(is[5] or '', '(%d+) (%d+)') do\n"
    "        if old == term then return tonumber(at) end\n"
    "    end\n"
    "end\n"
    "if epoch == 0 or not is[3] then\n"
    "    doubt()\n"
    "elseif is[4] ~= run then\n"
    "    if term == is[3] then inherit() else doubt() end\n"
    "end\n"
    "if term ~= '0' and term ~= is[3] and (tonumber(is[7]) or 0) > known then\n"
    "    whole = true\n"
    "elseif term ~= '0' then\n"
    "    local good = inherited()\n"
    "    if term == is[3] then good = known <= epoch and known end\n"
    "    if not good then doubt() elseif known > good then lost = good end\n"
    "end\n"
    "local held = '0'\n"
    "if is[6] then\n"
    "    local till, from = string.match(is[6], '(%d+) (%d+)')\n"
    "    local left = tonumber(till) - milliseconds()\n"
    "    if left > 0 and left <= hold then held = from end\n"
    "end\n"
    "if lost and ARGV[7] == '0' then return 'lost ' .. text(lost) .. '\\n' end\n"
    "if lost then\n"
    "    whole, epoch = true, math.max(epoch, known)\n"
    "    local noted = scopes()\n"
    "    table.sort(noted, function(a, b) return a[1] < b[1] end)\n"
    "    for _, scope in ipairs(noted) do\n"
    "        if scope[2] > lost and scope[2] <= known then note(scope[1]) end\n"
    "    end\n"
    "end\n"
    "for scope in string.gmatch(ARGV[6], '%S+') do note(scope) end\n"
    "if redis.call('HLEN', key) > tonumber(ARGV[8]) then fold() end\n"
    "local out = {'epoch ' .. text(epoch), 'serial ' .. text(serial), 'term ' .. is[3],\n"
    "             'held ' .. held}\n"
    "if unknown then out[#out + 1] = 'unknown 1' end\n"
    "local fields = {}\n"
    "for i = known_serial + 1, math.min(serial, known_serial + RING + 1) do\n"
    "    fields[#fields + 1] = '@' .. text(i % RING)\n"
    "end\n"
    "whole = whole or known_serial > serial or #fields > RING\n"
    "if not whole and #fields > 0 then\n"
    "    for _, purge in ipairs(redis.call('HMGET', key, unpack(fields))) do\n"
    "        if not purge then whole = true break end\n"
    "        out[#out + 1] = purge\n"
    "    end\n"
    "end\n"
    "if whole then\n"
    "    if folded then out[#out + 1] = 'fold ' .. text(folded) end\n"
    "    for _, scope in ipairs(scopes()) do\n"
    "        out[#out + 1] = scope[1] .. ' ' .. text(scope[2])\n"
    "    end\n"
    "end\n"
    "return table.concat(out, '\\n') .. '\\n'\n";

void purge_script_run(struct store *redis, const struct purges *known,
                      const struct purge_question *question, struct store_read *read)
{
    struct decimal_text numbers[8];
    const struct str words[] = {
        STR("EVAL"),
        STR(script),
        STR("1"),
        STR(PURGE_KEY),
        decimal_write(&numbers[0], known->term),
        decimal_write(&numbers[1], known->epoch),
        decimal_write(&numbers[2], known->serial),
        decimal_write(&numbers[3], question->now),
        decimal_write(&numbers[4], question->next_term),
        question->scopes,
        question->repairs ? STR("1") : STR("0"),
        decimal_write(&numbers[5], PURGE_NOTES_MAX),
        decimal_write(&numbers[6], PURGE_HOLD),
        decimal_write(&numbers[7], PURGE_AHEAD),
    };

    redis_ask(redis, STR(PURGE_KEY), words, sizeof words / sizeof *words, read);
}
