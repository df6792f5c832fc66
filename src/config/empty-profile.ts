import type { Profile } from './schema.ts';

/** The profile of someone without a configuration: the schema's defaults, written out so that the schema need not load. */
export const EMPTY_PROFILE: Profile = {
  cluster: null,
  slurm_version: null,
  accounting: null,
  partitions: {},
  gpu_request: 'gres',
  accounts: [],
  qos: [],
  container: 'none',
  network: { interfaces: [], ib_devices: [], socket_ifname: null, ib_hca: null },
  data_root: null,
  environment: { modules: [], activate: null, python: 'python3' },
  secrets_file: null,
  limits: {},
  defaults: {},
  phases: {},
};
