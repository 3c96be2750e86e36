// Only saves a click: without JavaScript the form has a button.
document.forms["go-on"].requestSubmit();
