#!/usr/bin/env python3
"""An explicit-state model of logins, several mini-programs and the removal of an account. README.md says how to read it.

An actor is a generator that yields one remote operation at a time. It is replayed from the answers that it got, so a state
of the world is plain data, and every interleaving can be searched: crashes between any two operations, lost answers,
operations that the SDK sent twice, and those that land late.
"""
import random
import sys
import time
from collections import deque, namedtuple

CLAUSES = {
    'mark': 'the account is marked before anything of it goes',
    'confirm': 'a login answers only after the account row was written behind its session, if it is not marked',
    'help': 'a login that meets a mark deletes the identities that name the marked user, and begins again',
    'names': 'an identity is deleted only while it names this user',
    'register': 'a key is in the account row before a second identity is written under it',
    'union first': 'a first login writes the identity of the unionid before that of the openid',
    'tombstone': 'an image row becomes a tombstone first and is deleted by a later pass',
    'old': '… once it has been a tombstone for 20 minutes',
    'quiet': 'a removal ends with a pass that finds nothing, 20 minutes after another pass',
}
ALL = frozenset(CLAUSES)


class Broken(Exception):
    """An invariant does not hold."""


# identities: {(key, user)}, a key being A1 or A2 (an openid in app 1 or 2) or U (the unionid)
# accounts: {(user, keys, state, pass)}; state: live · due (marked, a pass may begin) · leased; pass: none, or the last one began 'lately' or
#   20 minutes 'ago'
# image: (state, is_old) or None, of user u; objects: attempts whose bytes are there; records: what the stream still has to tell
# actors: ((program, arguments…), answers, status); late: writes on the wire
World = namedtuple('World', 'identities accounts sessions image objects records actors late marked handed gone crash fault wait passes')


# ---------- what the functions do
def login(V, me, app, union):
    """POST /session"""
    for attempt in range(3):
        user, keys = yield from identify(V, me, attempt, app, union)
        if user == 'lost':
            return 503
        if user == 'marked':
            if 'help' in V:
                for key in keys[1]:
                    yield ('delete identity', key, keys[0])
            continue
        if (yield ('put session', user, 's%d' % me)) == 'lost':
            return 503
        if 'confirm' not in V:
            return (201, user, 's%d' % me)
        answer = yield ('upsert account', user, keys)
        if answer == 'lost':
            return 503
        if answer == 'ok':
            return (201, user, 's%d' % me)
        yield ('delete session', user, 's%d' % me)
        if 'help' in V:
            for key in keys:
                yield ('delete identity', key, user)
    return 503


def identify(V, me, attempt, app, union):
    """The user behind an openid and perhaps a unionid. -> (user, keys that name it) | ('lost', …) | ('marked', (user, keys))"""
    new, mine = 'n%d%d' % (me, attempt), 'A%d' % app
    if not union:
        user = yield ('upsert identity', mine, new)
        return (user, (mine,))
    here, joint = (yield ('get identity', mine)), (yield ('get identity', 'U'))
    if here and joint:
        return (here, (mine, 'U') if joint == here else (mine,))
    if not here and not joint:
        first = 'U' if 'union first' in V else mine
        answer = yield ('upsert identity', first, new)
        if answer == 'lost':
            return ('lost', ())
        here, joint = (None, answer) if first == 'U' else (answer, None)
    user, second = (here, 'U') if here else (joint, mine)
    if 'register' in V:
        answer = yield ('upsert account', user, (mine, 'U'))
        if answer != 'ok':
            return ('lost', ()) if answer == 'lost' else ('marked', (user, (mine, 'U')))
    named = yield ('upsert identity', second, user)
    if named == 'lost':
        return ('lost', ())
    if second == mine:
        return (named, (mine, 'U') if named == user else (mine,))
    return (user, (mine, 'U') if named == user else (mine,))


def remove(V, me, user, session):
    """DELETE /me"""
    if not (yield ('get session', user, session)):
        return 401
    keys = ()
    if 'mark' in V:
        keys = yield ('mark', user)
        if keys in ('none', 'lost'):
            return 401 if keys == 'none' else 503
    else:
        keys = yield ('get keys', user)
    for key in keys:
        if (yield ('delete identity', key, user if 'names' in V else None)) == 'lost':
            return 503
    for other in (yield ('list sessions', user)):
        if other != session and (yield ('delete session', user, other)) == 'lost':
            return 503
    if (yield ('delete session', user, session)) == 'lost':
        return 503
    if 'mark' not in V and (yield ('mark', user)) == 'lost':
        return 503
    return (202, user)


def sweep(V, me, user, is_short):
    """One pass of account-sweep; a short one runs out of time at its end."""
    lease = yield ('lease', user)
    if lease in ('none', 'lost'):
        return 'no'
    keys, passed = lease
    found = False
    for key in keys:
        found |= (yield ('delete identity', key, user if 'names' in V else None)) != 'none'
    for session in (yield ('list sessions', user)):
        found = True
        yield ('delete session', user, session)
    image = yield ('get image', user)
    if image:
        found = True
        state, is_old = image
        if 'tombstone' not in V:
            yield ('delete image', None)
        elif state != 'removed':
            yield ('remove image',)
        elif is_old or 'old' not in V:
            yield ('delete image', 'removed')
    if is_short:
        yield ('hurry', user)
    elif not found and passed == 'ago' or 'quiet' not in V:
        yield ('end account', user)
    return 'done'


def upload(V, me, user, session):
    """An image in three writes: row, object, ready. Its attempt is its own."""
    if not (yield ('get session', user, session)):
        return 401
    answer = yield ('claim image',)
    if answer != 'ok':
        return 503 if answer == 'lost' else 404
    if (yield ('put object', me)) == 'lost':
        return 503
    if (yield ('ready image',)) == 'none':
        yield ('delete object', me)
        return 503
    return 201


PROGRAMS = dict(login=login, remove=remove, sweep=sweep, upload=upload)
READS = ('get identity', 'get session', 'list sessions', 'get keys', 'get image')


def next_operation(V, spec, answers, cache={}):
    key = (V, spec, answers)
    if key not in cache:
        generator = PROGRAMS[spec[0]](V, *spec[1:])
        try:
            operation = next(generator)
            for answer in answers:
                operation = generator.send(answer)
        except StopIteration as end:
            operation = ('end', end.value)
        if len(cache) > 300000:
            cache.clear()
        cache[key] = operation
    return cache[key]


# ---------- what DynamoDB, S3 and the stream do
def account_of(w, user):
    return next((a for a in w.accounts if a[0] == user), None)


def replace(w, old, new):
    return w._replace(accounts=w.accounts - {old} | ({new} if new else set()))


def apply(w, op):
    """One atomic operation. -> (world, answer)"""
    kind, rest = op[0], op[1:]
    named = dict(w.identities)
    if kind == 'get identity':
        return w, named.get(rest[0])
    if kind == 'get session':
        return w, rest in w.sessions
    if kind == 'list sessions':
        return w, tuple(sorted(s for u, s in w.sessions if u == rest[0]))
    if kind == 'get keys':
        account = account_of(w, rest[0])
        return w, account[1] if account else ()
    if kind == 'get image':
        return w, w.image if rest[0] == 'u' else None
    if kind == 'upsert identity':                   # if_not_exists: whoever came first decides
        key, user = rest
        return w._replace(identities=w.identities | {(key, named.get(key, user))}), named.get(key, user)
    if kind == 'delete identity':
        key, user = rest
        if key not in named or user is not None and named[key] != user:
            return w, 'none'
        return w._replace(identities=w.identities - {(key, named[key])}), 'ok'
    if kind == 'upsert account':
        user, keys = rest
        account = account_of(w, user) or (user, (), 'live', 'none')
        if account[2] != 'live':
            return w, 'none'
        return replace(w, account, (user, tuple(sorted(set(account[1]) | set(keys))), 'live', 'none')), 'ok'
    if kind == 'put session':
        return w._replace(sessions=w.sessions | {rest}), 'ok'
    if kind == 'delete session':
        return w._replace(sessions=w.sessions - {rest}), 'ok'
    if kind == 'mark':
        account = account_of(w, rest[0])
        if account is None:
            return w, 'none'
        if account[2] == 'live':
            w = replace(w, account, (account[0], account[1], 'due', 'none'))
        return w._replace(marked=w.marked | {rest[0]}), account[1]
    if kind == 'lease':
        account = account_of(w, rest[0])
        if account is None or account[2] != 'due':
            return w, 'none'
        return replace(w, account, (account[0], account[1], 'leased', 'lately')), (account[1], account[3])
    if kind == 'hurry':
        account = account_of(w, rest[0])
        if account is None or account[2] == 'live':
            return w, 'none'
        return replace(w, account, (account[0], account[1], 'due', account[3])), 'ok'
    if kind == 'end account':
        account = account_of(w, rest[0])
        if account is None or account[2] == 'live':
            return w, 'none'
        return replace(w, account, None), 'ok'
    if kind == 'claim image':
        return (w, 'taken') if w.image else (w._replace(image=('pending', False)), 'ok')
    if kind == 'put object':
        return w._replace(objects=w.objects | {rest[0]}), 'ok'
    if kind == 'delete object':
        return w._replace(objects=w.objects - {rest[0]}), 'ok'
    if kind == 'ready image':
        return (w._replace(image=('ready', False)), 'ok') if w.image and w.image[0] == 'pending' else (w, 'none')
    if kind == 'remove image':
        if not w.image or w.image[0] == 'removed':
            return w, 'none'
        return w._replace(image=('removed', False), records=w.records + 1), 'ok'
    if kind == 'delete image':
        if not w.image or rest[0] and w.image[0] != rest[0]:
            return w, 'none'
        return w._replace(image=None, records=w.records + 1), 'ok'
    raise ValueError(kind)


def follow(w):
    """image-sweep: a record of the stream, and with it the objects under the row's attempt."""
    return w._replace(records=w.records - 1, objects=frozenset())


# ---------- what may happen next
def answered(w, V, index, answer):
    spec, answers, _ = w.actors[index]
    answers += (answer,)
    operation = next_operation(V, spec, answers)
    ended = operation[0] == 'end'
    actor = (spec, () if ended else answers, operation[1] if ended else 'running')
    w = w._replace(actors=w.actors[:index] + (actor,) + w.actors[index + 1:])
    if ended and isinstance(operation[1], tuple):
        if operation[1][0] == 201:
            w = w._replace(handed=w.handed | {operation[1][1:]})
        if operation[1][0] == 202:
            w = w._replace(gone=w.gone | {operation[1][1]})
    return w


def steps(w, V, config):
    """Every (label, next world)."""
    out = []
    for index, (spec, answers, status) in enumerate(w.actors):
        if status not in ('new', 'running'):
            continue
        operation = next_operation(V, spec, answers)
        label = '%s %d: %s' % (spec[0], index, ' '.join(map(str, operation)))
        after, answer = apply(w, operation)
        out.append((label, answered(after, V, index, answer)))
        if w.fault and operation[0] not in READS:
            poor = w._replace(fault=w.fault - 1)
            once, _ = apply(poor, operation)
            twice, again = apply(once, operation)
            out.append((label + ', applied twice', answered(twice, V, index, again)))
            out.append((label + ', applied, answer lost', answered(once, V, index, 'lost')))
            out.append((label + ', not applied, answer lost', answered(poor, V, index, 'lost')))
            out.append((label + ', answer lost, lands later', answered(poor._replace(late=w.late + (operation,)), V, index, 'lost')))
        if w.crash and status == 'running':
            crashed = (spec, (), 'crashed')
            out.append(('%s %d CRASHES' % (spec[0], index),
                        w._replace(crash=w.crash - 1, actors=w.actors[:index] + (crashed,) + w.actors[index + 1:])))
    for index, operation in enumerate(w.late):
        rest = w._replace(late=w.late[:index] + w.late[index + 1:])
        out.append(('lands late: ' + ' '.join(map(str, operation)), apply(rest, operation)[0]))
    if w.records:
        out.append(('image-sweep follows a record', follow(w)))
    is_running = any(status == 'running' for _, _, status in w.actors)
    if w.passes:
        for account in w.accounts:
            sweeping = sum(1 for spec, _, status in w.actors if spec[0] == 'sweep' and status in ('new', 'running'))
            if account[2] == 'due' and sweeping < config.get('side by side', 1):
                for is_short in (False, True) if config.get('short passes') else (False,):
                    spec, label = ('sweep', len(w.actors), account[0], is_short), 'account-sweep finds %s%s' % (account[0], ', for a short pass' * is_short)
                    out.append((label, w._replace(passes=w.passes - 1, actors=w.actors + ((spec, (), 'new'),))))
    # No call lasts 20 minutes, and AWS refuses the signature of a request that was under way for longer.
    if w.wait and not is_running and not w.late:
        out.append(('20 MINUTES', twenty_minutes(w)._replace(wait=w.wait - 1)))
    return out


def twenty_minutes(w):
    accounts = frozenset((u, keys, 'live' if state == 'live' else 'due', 'none' if passed == 'none' else 'ago') for u, keys, state, passed in w.accounts)
    return w._replace(accounts=accounts, image=w.image and (w.image[0], True))


# ---------- what must hold
def always(w):
    for user in w.gone:
        for u, session in w.handed:
            if u == user and (u, session) in w.sessions:
                raise Broken('after the 202 a session of the removed user was handed out and lives')
    for user, session in w.handed:
        if user not in w.marked and (user, session) not in w.sessions:
            raise Broken('a session of somebody else is gone')


def undisturbed(w, V, *spec):
    index = len(w.actors)
    w = w._replace(actors=w.actors + (((spec[0], index) + spec[1:], (), 'new'),))
    while w.actors[index][2] in ('new', 'running'):
        w, answer = apply(w, next_operation(V, w.actors[index][0], w.actors[index][1]))
        w = answered(w, V, index, answer)
    return w, w.actors[index][2]


def at_the_end(w, V, config):
    """All actors have ended: what is under way lands, the passes go on to their end, everybody logs in once more."""
    for operation in w.late:
        w, _ = apply(w, operation)
    w = w._replace(late=())
    for _ in range(8):
        while w.records:
            w = follow(w)
        if all(a[2] == 'live' for a in w.accounts):
            break
        w = twenty_minutes(w)
        for account in w.accounts:
            if account[2] != 'live':
                w, _ = undisturbed(w, V, 'sweep', account[0], False)
    else:
        raise Broken('a removal does not end')
    always(w)
    for user in w.marked:
        if any(u == user for _, u in w.identities):
            raise Broken('an identity leads to the removed user')
        if any(u == user for u, _ in w.sessions):
            raise Broken('a session of the removed user is left')
        if account_of(w, user):
            raise Broken('the removed user has an account')
    if 'u' in w.marked and w.image:
        raise Broken('an image row of the removed user is left')
    if w.objects and not w.image:
        raise Broken('an object without a row is left')
    for user, _ in w.handed:
        account = account_of(w, user)
        if user in w.marked:
            continue
        if not account:
            raise Broken('a user who signed in has no account')
        if not set(k for k, u in w.identities if u == user):
            raise Broken('a user who signed in is forgotten')
    for account in w.accounts:
        if not set(k for k, u in w.identities if u == account[0]) <= set(account[1]):
            raise Broken('an identity names a user whose account does not know it')
    if (w.crash, w.fault) == (config.get('crash', 1), config.get('fault', 1)) and any(a[0][0] == 'login' and a[2] == 503 for a in w.actors):
        raise Broken('a login is refused although nothing failed')
    users = []
    for app in (1, 2):
        w, answer = undisturbed(w, V, 'login', app, True)
        if not isinstance(answer, tuple) or answer[1] in w.marked:
            raise Broken('a later login is answered %s' % (answer,))
        users.append(answer[1])
    if users[0] != users[1] and not config.get('two users'):
        raise Broken('one person is two users')


# ---------- configurations
U1 = dict(identities=[('A1', 'u')], keys=('A1',))
U1U = dict(identities=[('A1', 'u'), ('U', 'u')], keys=('A1', 'U'))
BOTH = dict(identities=[('A1', 'u'), ('A2', 'u'), ('U', 'u')], keys=('A1', 'A2', 'U'))
REMOVE = ('remove', 'u', 's')
CONFIGURATIONS = {
    'removal': dict(BOTH, actors=[REMOVE], passes=3, wait=2),
    'removal, two passes side by side': dict(U1U, actors=[REMOVE], passes=4, wait=1, **{'side by side': 2}),
    'removal, login by openid': dict(U1, actors=[REMOVE, ('login', 1, False)], passes=1),
    'removal, login by openid, later pass': dict(U1, actors=[REMOVE, ('login', 1, False)], passes=2, wait=1),
    'removal, first unionid': dict(U1, actors=[REMOVE, ('login', 1, True)], passes=1),
    'removal, second app': dict(U1U, actors=[REMOVE, ('login', 2, True)], passes=1),
    'removal, known second app': dict(BOTH, actors=[REMOVE, ('login', 2, True)], passes=1),
    'removal, two logins': dict(U1U, actors=[REMOVE, ('login', 1, True), ('login', 2, True)], fault=0, passes=0),
    'two removals, login': dict(U1U, actors=[REMOVE, ('remove', 'u', 't'), ('login', 2, True)], fault=0, passes=1),
    'first logins of two apps': dict(actors=[('login', 1, True), ('login', 2, True)]),
    'first logins, one without unionid': dict(actors=[('login', 1, False), ('login', 2, True)], **{'two users': True}),
    'two users, unionid appears': dict(identities=[('A1', 'u'), ('A2', 'w')], keys=('A1',), others=[('w', ('A2',))],
                                       actors=[REMOVE, ('login', 1, True), ('login', 2, True)], fault=0, passes=1, **{'two users': True}),
    'a first login that ended early': dict(identities=[('U', 'u')], actors=[('login', 1, True), ('login', 2, True)]),
    'removal, upload': dict(U1, actors=[REMOVE, ('upload', 'u', 't')], passes=2, wait=1),
    'removal, upload, short passes': dict(U1, actors=[REMOVE, ('upload', 'u', 't')], passes=2, wait=1, fault=0, **{'short passes': True}),
    'removal, upload, passes side by side': dict(U1, actors=[REMOVE, ('upload', 'u', 't')], passes=3, wait=1, fault=0, crash=0, **{'side by side': 2, 'short passes': True}),
    'removal of a user with an image': dict(U1, actors=[REMOVE], image=('ready', True), objects=[9], passes=3, wait=2),
}


def start(config):
    accounts = [('u', config['keys'], 'live', 'none')] if 'keys' in config else []
    accounts += [(user, keys, 'live', 'none') for user, keys in config.get('others', [])]
    sessions = [('u', 's'), ('u', 't')] if 'keys' in config else []
    actors = tuple(((a[0], i) + a[1:], (), 'new') for i, a in enumerate(config['actors']))
    return World(frozenset(config.get('identities', [])), frozenset(accounts), frozenset(sessions), config.get('image'),
                 frozenset(config.get('objects', [])), 0, actors, (), frozenset(), frozenset(), frozenset(),
                 config.get('crash', 1), config.get('fault', 1), config.get('wait', 0), config.get('passes', 0))


def check(w, V, config):
    always(w)
    if all(status not in ('new', 'running') for _, _, status in w.actors):
        at_the_end(w, V, config)


def search(V, config, seconds):
    """Breadth first. -> (outcome, message, trace, states)"""
    began, first = time.time(), start(config)
    queue, parent = deque([first]), {first: None}
    while queue:
        w = queue.popleft()
        for label, after in steps(w, V, config):
            if after in parent:
                continue
            parent[after] = (w, label)
            try:
                check(after, V, config)
            except Broken as broken:
                trace = []
                while parent[after]:
                    after, label = parent[after]
                    trace.append(label)
                return 'BROKEN', str(broken), trace[::-1], len(parent)
            queue.append(after)
        if time.time() - began > seconds:
            return 'cut', '', [], len(parent)
    return 'holds', '', [], len(parent)


def walk(V, config, seed, steps_at_most=200):
    """One random walk. -> (steps, message)"""
    rnd, w = random.Random(seed), start(config)
    for n in range(steps_at_most):
        possible = steps(w, V, config)
        if not possible:
            return n, ''
        weights = [0.15 if any(word in label for word in ('CRASH', 'lost', 'twice')) else 1 for label, _ in possible]
        _, w = rnd.choices(possible, weights)[0]
        try:
            check(w, V, config)
        except Broken as broken:
            return n, str(broken)
    return steps_at_most, ''


def search_all(V, seconds):
    held = True
    for name, config in CONFIGURATIONS.items():
        outcome, message, trace, states = search(V, config, seconds)
        held &= outcome != 'BROKEN'
        print('%-40s %-6s %8d states  %s' % (name, outcome, states, message), flush=True)
        for line in trace:
            print('        ' + line)
    return held


def without_each(seconds):
    """Takes out one clause at a time: some configuration must break."""
    all_found = True
    for clause in CLAUSES:
        for name, config in CONFIGURATIONS.items():
            outcome, message, trace, _ = search(ALL - {clause}, config, seconds)
            if outcome == 'BROKEN':
                print('without "%s": %s: %s' % (clause, name, message), flush=True)
                for line in trace:
                    print('        ' + line)
                break
        else:
            all_found = False
            print('without "%s": NOT FOUND' % clause, flush=True)
    return all_found


def walk_all(walks):
    held, taken = True, 0
    for name, config in CONFIGURATIONS.items():
        more = dict(config, crash=config.get('crash', 1) + 1, fault=config.get('fault', 1) + 1, passes=config.get('passes', 0) + 1)
        for seed in range(walks):
            n, message = walk(ALL, more, seed)
            taken += n
            if message:
                held = False
                print('%s, seed %d: %s' % (name, seed, message), flush=True)
    print('%d walks, %d steps' % (walks * len(CONFIGURATIONS), taken))
    return held


if __name__ == '__main__':
    command = sys.argv[1] if len(sys.argv) > 1 else 'search'
    amount = float(sys.argv[2]) if len(sys.argv) > 2 else {'search': 60, 'without': 20, 'walk': 500}[command]
    run = dict(search=lambda: search_all(ALL, amount), without=lambda: without_each(amount), walk=lambda: walk_all(int(amount)))
    sys.exit(0 if run[command]() else 1)
