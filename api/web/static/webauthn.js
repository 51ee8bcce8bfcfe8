"use strict";
// Passkeys: asks the device and puts its answer into the form. Without script the form beside it signs in as well.
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const ask = async (make, options) => {
    const publicKey = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (make) {
      publicKey.user = { ...publicKey.user, id: bytes(publicKey.user.id) };
      publicKey.excludeCredentials = ids(publicKey.excludeCredentials);
      return navigator.credentials.create({ publicKey });
    }
    publicKey.allowCredentials = ids(publicKey.allowCredentials);
    return navigator.credentials.get({ publicKey });
  };

  const spell = (key) => {
    const response = { clientDataJSON: text(key.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (key.response[name]) response[name] = text(key.response[name]);
    }
    if (key.response.getTransports) response.transports = key.response.getTransports();
    return JSON.stringify({ id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: key.getClientExtensionResults() });
  };

  if (!window.PublicKeyCredential) return;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[data-passkey-button]"), said = form.querySelector("[data-passkey-said]");
    form.hidden = false;
    button.addEventListener("click", async () => {
      if (button.disabled) return;
      button.disabled = true;
      said.hidden = true;
      try {
        const answer = await fetch(form.dataset.passkey, { method: "POST", credentials: "same-origin" });
        if (!answer.ok) throw new Error(String(answer.status));
        const { token, options } = await answer.json();
        const key = await ask(form.hasAttribute("data-make"), options);
        form.querySelector("[data-token]").value = token;
        form.querySelector("[data-answer]").value = spell(key);
        form.submit();
      } catch { // refused, cancelled or timed out: all the same to the reader
        said.hidden = false;
        button.disabled = false;
      }
    });
  }
})();
