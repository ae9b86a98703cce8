const style = `
  :root { --ink: #11171c; --soft: #5f7281; --line: #d1d9e1; --blue: #2272b4; --blue-dark: #0e538b; --red: #c82d4c; }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 24px; color: var(--ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
    background: linear-gradient(160deg, #e9f1f8 0%, #f7f9fb 45%, #eef3ee 100%); }
  main { width: 100%; max-width: 480px; background: #fff; border: 1px solid var(--line); border-radius: 12px;
    padding: 36px 40px; box-shadow: 0 12px 40px rgba(17, 23, 28, .08); }
  .brand { display: flex; align-items: center; gap: 10px; color: var(--soft); font-size: 14px; font-weight: 600; }
  .brand svg { width: 28px; height: 28px; }
  h1 { margin: 20px 0 4px; font-size: 26px; line-height: 1.25; letter-spacing: -.01em; }
  .to { margin: 0 0 24px; color: var(--soft); }
  label { display: block; margin: 16px 0 6px; font-size: 14px; font-weight: 600; }
  input { width: 100%; height: 44px; padding: 0 12px; font: inherit; color: inherit; background: #fff;
    border: 1px solid #8396a5; border-radius: 6px; }
  input:focus-visible, button:focus-visible { outline: 3px solid rgba(34, 114, 180, .35); outline-offset: 1px;
    border-color: var(--blue); }
  button { width: 100%; height: 44px; margin-top: 24px; border: 0; border-radius: 6px; background: var(--blue);
    color: #fff; font: inherit; font-weight: 600; cursor: pointer; }
  button:hover { background: var(--blue-dark); }
  .error { margin: 0 0 8px; padding: 10px 12px; border-left: 4px solid var(--red); border-radius: 4px;
    background: #fdf0f3; color: #8c1c36; font-size: 15px; }
  .users { margin: 28px 0 0; padding-top: 20px; border-top: 1px solid var(--line); font-size: 14px; color: var(--soft); }
  table { width: 100%; margin-top: 8px; border-collapse: collapse; font-size: 13px; }
  th { padding: 4px 12px 4px 0; text-align: left; font-weight: 600; }
  td { padding: 4px 12px 4px 0; color: var(--ink); white-space: nowrap; }
  th:last-child, td:last-child { padding-right: 0; }
`;

const mark = `<svg viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="7" fill="#2272b4"/>
  <circle cx="14" cy="11" r="4" fill="#fff"/><path d="M6.5 22c1-4.3 4-6 7.5-6s6.5 1.7 7.5 6z" fill="#fff"/></svg>`;

function escape(text) {
  return String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function page(title, content) {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escape(title)}</title>
    <style>${style}</style>
  </head>
  <body>
    <main>
      <div class="brand">${mark}<span>Demo identity provider</span></div>
      ${content}
    </main>
  </body>
</html>`;
}

function userRow({ email, password, groups }) {
  const cells = [email, password, groups.join(", ") || "none"];
  return `<tr>${cells.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`;
}

export function loginPage({ goingTo, users, email = "", error }) {
  const message = error ? `<p class="error" id="error" role="alert">${escape(error)}</p>` : "";
  const describedBy = error ? ` aria-invalid="true" aria-describedby="error"` : "";
  return page(
    "Sign in",
    `<h1>Sign in</h1>
      <p class="to">to continue to ${escape(goingTo)}</p>
      ${message}
      <form method="post" autocomplete="on">
        <label for="email">E-mail</label>
        <input id="email" name="email" type="email" autocomplete="username" required${email ? "" : " autofocus"}
          value="${escape(email)}"${describedBy}>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required${email ? " autofocus" : ""}
          ${describedBy}>
        <button type="submit">Sign in</button>
      </form>
      <section class="users" aria-labelledby="users">
        <span id="users">Demo users of this machine</span>
        <table>
          <thead><tr><th scope="col">E-mail</th><th scope="col">Password</th><th scope="col">Groups</th></tr></thead>
          <tbody>${users.map(userRow).join("")}</tbody>
        </table>
      </section>`,
  );
}

export function errorPage({ title, detail }) {
  return page(title, `<h1>${escape(title)}</h1><p class="error" role="alert">${escape(detail)}</p>`);
}
