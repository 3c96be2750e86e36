//! Asking a service over NATS.

use std::error::Error;
use std::time::Duration;

use async_nats::client::PublishErrorKind;
use async_nats::{HeaderMap, StatusCode};
use bytes::Bytes;

use crate::connection::{Connection, ConnectionState};
use crate::message::parse_headers;
use crate::replies::ExpectedReply;

pub(crate) const SERVICE_ERROR: &str = "Nats-Service-Error";
pub(crate) const SERVICE_ERROR_CODE: &str = "Nats-Service-Error-Code";
pub(crate) const TRACEPARENT: &str = "traceparent";

/// Why there is no answer, or a bad one.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// There is no connection. Nothing was sent: the client library would have kept the request
    /// and sent it whenever the connection came back, long after its caller went away.
    #[error("not connected to NATS")]
    NotConnected,
    /// No service listens on the subject.
    #[error("no service listens on {subject}")]
    NoResponders {
        /// The subject asked.
        subject: String,
    },
    /// No answer in time. The request may have been carried out.
    #[error("no answer from {subject} within {deadline:?}")]
    TimedOut {
        /// The subject asked.
        subject: String,
        /// The time it was given.
        deadline: Duration,
    },
    /// No answer in time, and the server said why: this user may not ask that.
    #[error("this user may not ask {subject}: {complaint}")]
    NotPermitted {
        /// The subject asked.
        subject: String,
        /// What the server said.
        complaint: String,
    },
    /// The service answered that it could not.
    #[error("the service answered {status}: {description}")]
    Service {
        /// The status, as in HTTP.
        status: u16,
        /// A word for the error, from `Nats-Service-Error`.
        description: String,
        /// What the service says about it; a JSON problem where it is one of ours.
        body: Vec<u8>,
    },
    /// The request is larger than the server takes. Nothing was sent.
    #[error("the request to {subject} is too large for the server")]
    TooLarge {
        /// The subject asked.
        subject: String,
    },
    /// The subject or a header of the request is malformed. Nothing was sent.
    #[error("the request to {subject} cannot be sent")]
    CannotBeSent {
        /// The subject asked.
        subject: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Connection {
    /// Asks, and waits for the answer until the deadline.
    pub async fn request(
        &self,
        subject: &str,
        payload: Vec<u8>,
        traceparent: Option<&str>,
        deadline: Duration,
    ) -> Result<Vec<u8>, RequestError> {
        self.request_bytes(subject, payload.into(), traceparent, deadline)
            .await
    }

    /// The same, with a payload that whoever asks keeps a hold of, to zero it: once there is an answer, nobody else has one.
    pub async fn request_bytes(
        &self,
        subject: &str,
        payload: Bytes,
        traceparent: Option<&str>,
        deadline: Duration,
    ) -> Result<Vec<u8>, RequestError> {
        let headers = match traceparent {
            Some(traceparent) => Some(parse_headers(&[(TRACEPARENT, traceparent)]).map_err(
                |source| RequestError::CannotBeSent {
                    subject: subject.to_owned(),
                    source: source.into(),
                },
            )?),
            None => None,
        };
        let message = self.exchange(subject, headers, payload, deadline).await?;
        answer(subject, message)
    }

    /// One request and its raw reply.
    pub(crate) async fn exchange(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
        deadline: Duration,
    ) -> Result<async_nats::Message, RequestError> {
        let exchanged = async {
            let mut expected = self.send_expecting_reply(subject, headers, payload).await?;
            reply_to(subject, &mut expected).await
        };
        match tokio::time::timeout(deadline, exchanged).await {
            Ok(exchanged) => exchanged,
            Err(_) => Err(self.unanswered(subject, deadline)),
        }
    }

    async fn send_expecting_reply(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<ExpectedReply, RequestError> {
        if self.state() == ConnectionState::Disconnected {
            return Err(RequestError::NotConnected);
        }
        let expected = self.replies().expect();
        let (to, reply) = (subject.to_owned(), expected.subject.clone());
        let sent = match headers {
            Some(headers) => {
                self.client()
                    .publish_with_reply_and_headers(to, reply, headers, payload)
                    .await
            }
            None => self.client().publish_with_reply(to, reply, payload).await,
        };
        sent.map_err(|error| publish_error(subject, error))?;
        Ok(expected)
    }

    pub(crate) fn unanswered(&self, subject: &str, deadline: Duration) -> RequestError {
        let subject = subject.to_owned();
        match self.denials().of_publishing(&subject) {
            Some(complaint) => RequestError::NotPermitted { subject, complaint },
            None => RequestError::TimedOut { subject, deadline },
        }
    }
}

/// Why nothing was sent to a subject.
pub(crate) fn publish_error(subject: &str, error: async_nats::PublishError) -> RequestError {
    let subject = subject.to_owned();
    match error.kind() {
        PublishErrorKind::Send => RequestError::NotConnected,
        PublishErrorKind::MaxPayloadExceeded => RequestError::TooLarge { subject },
        PublishErrorKind::InvalidSubject => RequestError::CannotBeSent {
            subject,
            source: error.into(),
        },
    }
}

pub(crate) async fn reply_to(
    subject: &str,
    expected: &mut ExpectedReply,
) -> Result<async_nats::Message, RequestError> {
    let message = expected.arrival().await.ok_or(RequestError::NotConnected)?;
    from_somebody(subject, message)
}

fn from_somebody(
    subject: &str,
    message: async_nats::Message,
) -> Result<async_nats::Message, RequestError> {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Err(RequestError::NoResponders {
            subject: subject.to_owned(),
        });
    }
    Ok(message)
}

/// What a service answered, be it that it could not.
pub(crate) fn answer(subject: &str, message: async_nats::Message) -> Result<Vec<u8>, RequestError> {
    let message = from_somebody(subject, message)?;
    let header = |name: &str| {
        let headers = message.headers.as_ref()?;
        headers.get(name).map(|value| value.as_str().to_owned())
    };
    let (description, status) = (header(SERVICE_ERROR), header(SERVICE_ERROR_CODE));
    if description.is_none() && status.is_none() {
        return Ok(message.payload.into());
    }
    Err(RequestError::Service {
        // A service that gives no readable status has at any rate failed.
        status: status.and_then(|status| status.parse().ok()).unwrap_or(500),
        description: description.unwrap_or_default(),
        body: message.payload.into(),
    })
}
