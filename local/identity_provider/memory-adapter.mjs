const byGrant = new Set(["AccessToken", "AuthorizationCode", "RefreshToken"]);

/** oidc-provider's store, in memory: one map for all models, entries expire when they are looked at. */
export function memoryAdapter() {
  const entries = new Map();

  return class {
    constructor(model) {
      this.model = model;
    }

    async upsert(id, payload, expiresIn) {
      const expires = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
      entries.set(`${this.model}:${id}`, { payload, expires });
    }

    async find(id) {
      const key = `${this.model}:${id}`;
      const entry = entries.get(key);
      if (entry && entry.expires > Date.now()) return entry.payload;
      entries.delete(key);
      return undefined;
    }

    async findByUid(uid) {
      for (const [key, { payload }] of entries) {
        if (key.startsWith(`${this.model}:`) && payload.uid === uid) return payload;
      }
      return undefined;
    }

    async consume(id) {
      const payload = await this.find(id);
      if (payload) payload.consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      entries.delete(`${this.model}:${id}`);
    }

    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of entries) {
        if (payload.grantId === grantId && byGrant.has(key.split(":")[0])) entries.delete(key);
      }
    }
  };
}
