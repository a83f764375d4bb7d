import testing from "./dist/testing/index.js";

export const { TestConnection, TestDirectory, TestPerson } = testing;
