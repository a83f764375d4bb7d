/**
 * The testing kit: a real directory inside the test's own process, a clock that
 * the test moves, switches for what goes wrong between an app and its directory,
 * and a directory that lies on demand. Its objects are of the classes of `plico`.
 *
 * @packageDocumentation
 */

export { TestConnection } from "./connection";
export { TestDirectory } from "./directory";
export type {
  Accomplice,
  Backup,
  PersonOptions,
  TestClock,
  TestPlicoOptions,
  TestService,
} from "./directory";
export type { Lie } from "./lies";
export { TestPerson } from "./person";
