// The verbs about many at once: each gives `ok`, or the code, for each.

const words = (results) =>
  results.map((it) => (it.status === "fulfilled" ? "ok" : it.reason.code));

export const many = {
  async create_sessions(world, args, account, signal) {
    const sessions = args.sessions.map(({ recipients, tag }) => ({
      recipients: world.granted(recipients),
      tag: tag === undefined ? undefined : world.text(tag),
    }));
    return words(await account.createSessions(sessions, signal));
  },
  async grant_all(world, args, session, signal) {
    return words(await session.grantAll(world.granted(args.recipients), signal));
  },
  async revoke_all(world, args, session, signal) {
    const recipients = args.recipients.map((it) => world.recipient(it));
    return words(await session.revokeAll(recipients, signal));
  },
  async revoke_everywhere(world, args, account, signal) {
    const who = world.recipient(args.who);
    const { changed, failed } = await account.revokeEverywhere(who, signal);
    return { changed, failed };
  },
};
