// The build gives this to yargs and zx in place of node:module: they make a `require` by which they ask for Node's own
// modules only, and to make one takes a millisecond.
export const createRequire = () => require;
