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
  alerts: {
    repeat: '4:00:00',
    group_by: 'cause',
    group_interval: '0:05:00',
    resolve_after: '0:05:00',
    quiet_hours: null,
  },
  automation: {
    level: 'L1',
    faults: {},
    runs: {},
    allow_drain: false,
    exclude_for: '24:00:00',
    shm_age: '1:00:00',
    keep_checkpoints: 3,
    breaker: { actions: 10, window: '1:00:00', share: 0.2 },
  },
  notify: null,
};
