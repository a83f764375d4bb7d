// The verbs about what a session has besides its recipients.

const nothing = (promise) => promise.then(() => null);

export const terms = {
  set_tag(world, args, session, signal) {
    const tag = args.tag === null ? undefined : world.text(args.tag);
    return nothing(session.setTag(tag, signal));
  },
  tag: (world, args, session, signal) => session.tag(signal),
  async sessions_tagged(world, args, account, signal) {
    return new Set((await account.sessionsTagged(world.text(args.tag), signal)).items);
  },
  set_expiry(world, args, session, signal) {
    const { in_s: inS, idle_s: idleS } = args;
    const at = typeof inS === "number" ? new Date(Date.now() + inS * 1_000) : undefined;
    const afterIdleMs = typeof idleS === "number" ? idleS * 1_000 : undefined;
    return nothing(session.setExpiry({ at, afterIdleMs }, signal));
  },
  async ends(world, args, session, signal) {
    return (await session.endsAt(signal)) !== undefined;
  },
};
