// The build gives this to yargs in place of string-width, whose tables of Unicode take longer to load than opsctl.
export { cells as default } from '../src/terminal/cells.ts';
