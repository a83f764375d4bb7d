// The README's quick start, as a program. Start `plico-directory dev`, then run
// it with the PLICO_DIRECTORY and the PLICO_TENANT that are printed there:
//
//     node examples/quickstart.mjs

// begin quick start
import { Plico } from "plico";
import { askMyBackend, signUp, storeKey } from "./app.mjs";

const { PLICO_DIRECTORY: directory, PLICO_TENANT: tenant } = process.env;
const plico = await Plico.open({ directory, tenant }); // one per process
const account = await plico.account({ store: "dr-a.plicostore", key: storeKey() }); // one per person
await account.register({
  userId: "dr.a",
  enrolment: ({ identityId }) => askMyBackend("dr.a", identityId),
});
await signUp(plico, ["patient.7", "insurer.3"]); // others do the same on their devices

const session = await account.createSession({ recipients: [{ userId: "patient.7" }] });
const context = { table: "notes", row: 42 }; // it opens in its place only
const sealed = await session.encrypt(Buffer.from("blood pressure 120/80"), { context });

const expiresAt = new Date(Date.now() + 30 * 24 * 3600 * 1000);
await session.grant({ userId: "insurer.3" }, { rights: ["read"], expiresAt });
await session.revoke({ userId: "insurer.3" }); // not one byte of `sealed` changes

const { data } = await account.decrypt(sealed, { context }); // finds the session itself
console.log(data.toString());
await plico.close();
// end quick start
