// Asks the device for a passkey and puts what it answers into the form: to sign in, to add one, to confirm.
"use strict";

(() => {
  const PROBLEM = "The passkey was not used. Try again, or use another way.";

  function fail(place) {
    const problem = place.querySelector("[data-problem]");
    if (problem) problem.textContent = PROBLEM;
  }

  async function fetched(address) {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`passkey options: ${answer.status}`);
    return (await answer.json()).request_options;
  }

  function written(form) {
    return JSON.parse(form.querySelector("#passkey-data").textContent);
  }

  // A passkey that signs in alone lives on the device and is opened by its person, not only touched.
  function asPasskey(options, isAlone) {
    const chosen = options.publicKey.authenticatorSelection;
    chosen.residentKey = isAlone ? "required" : "discouraged";
    chosen.requireResidentKey = isAlone;
    if (isAlone) chosen.userVerification = "required";
    return options;
  }

  async function answered(form) {
    if (form.dataset.passkey === "create") {
      const alone = form.elements.passwordless.checked;
      return window.webauthnJSON.create(asPasskey(written(form).creation_options, alone));
    }
    const options = form.dataset.options ? await fetched(form.dataset.options) : written(form).request_options;
    return window.webauthnJSON.get(options);
  }

  async function onSubmit(event) {
    const form = event.target.closest("form[data-passkey]");
    if (!form) return;
    event.preventDefault();
    try {
      form.elements.credential.value = JSON.stringify(await answered(form));
      form.submit();
    } catch {
      fail(form);
    }
  }

  async function onClick(event) {
    const button = event.target.closest("[data-passkey-button]");
    if (!button) return;
    try {
      const credential = await window.webauthnJSON.get(await fetched(button.dataset.options));
      button.form.elements.identity_credential.value = JSON.stringify(credential);
      button.form.requestSubmit();
    } catch {
      fail(button.closest("fieldset"));
    }
  }

  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
})();
