import { expect, it } from 'vitest';
import { EMPTY_PROFILE } from '../../src/config/empty-profile.ts';
import { profileSchema } from '../../src/config/schema.ts';

it('the empty profile is what the schema makes of nothing', () => {
  expect(EMPTY_PROFILE).toEqual(profileSchema.parse({}));
});
