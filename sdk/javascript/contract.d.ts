// What the host offers: the kit's modules give it its types.
declare module "probity:check/clock@0.1.0";
declare module "probity:check/context@0.1.0";
declare module "probity:check/dns@0.1.0";
declare module "probity:check/heartbeats@0.1.0";
declare module "probity:check/http@0.1.0";
declare module "probity:check/log@0.1.0";
declare module "probity:check/peers@0.1.0";
declare module "probity:check/queue@0.1.0";
declare module "probity:check/redis@0.1.0";
declare module "probity:check/secrets@0.1.0";
declare module "probity:check/sql@0.1.0";
declare module "probity:check/state@0.1.0";
declare module "probity:check/system@0.1.0";
declare module "probity:check/tcp@0.1.0";
declare module "probity:check/tls@0.1.0";
declare module "probity:check/udp@0.1.0";
declare module "core-js-pure/actual/url/index.js" {
  const found: any;
  export default found;
}
declare module "core-js-pure/actual/url-search-params/index.js" {
  const found: any;
  export default found;
}
declare module "core-js-pure/actual/atob.js" {
  const found: (text: string) => string;
  export default found;
}
declare module "core-js-pure/actual/btoa.js" {
  const found: (text: string) => string;
  export default found;
}
