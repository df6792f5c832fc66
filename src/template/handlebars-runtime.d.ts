// Handlebars declares the runtime without its members.
declare module 'handlebars/runtime.js' {
  import type Handlebars from 'handlebars';

  const runtime: Pick<typeof Handlebars, 'template'>;
  export default runtime;
}
