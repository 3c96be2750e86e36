//! As much of a PostgreSQL client as P3's rival needs: one prepared statement on each of a pool of connections over a Unix
//! socket (protocol 3.0). It does less than any library would, which is to the rival's advantage.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Semaphore;

/// Where a server of port 5432 listens in its socket directory.
const SOCKET: &str = ".s.PGSQL.5432";
const PROTOCOL: i32 = 0x0003_0000;
const LARGEST: usize = 1024 * 1024;

const ROW: u8 = b'D';
const READY: u8 = b'Z';
const ERROR: u8 = b'E';

/// Connections on which the statement is prepared; whoever finds none idle waits for one.
pub(crate) struct Pool {
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

struct Connection(BufReader<UnixStream>);

impl Pool {
    pub(crate) async fn connect(
        folder: &Path,
        connections: usize,
        statement: &str,
    ) -> anyhow::Result<Self> {
        let mut idle = Vec::with_capacity(connections);
        for _ in 0..connections {
            idle.push(Connection::open(folder, statement).await?);
        }
        Ok(Self {
            permits: Semaphore::new(connections),
            idle: Mutex::new(idle),
        })
    }

    /// The columns of the first row, as text; none where there is no row.
    pub(crate) async fn first_row(&self, parameters: [&str; 2]) -> anyhow::Result<Vec<String>> {
        let _permit = self.permits.acquire().await?;
        let taken = self.idle().pop();
        let mut connection = taken.context("a connection was lost")?;
        let row = connection.execute(parameters).await?;
        self.idle().push(connection);
        Ok(row)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    async fn open(folder: &Path, statement: &str) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(folder.join(SOCKET)).await?;
        let mut connection = Self(BufReader::new(stream));
        let mut body = PROTOCOL.to_be_bytes().to_vec();
        for word in ["user", "assent", "database", "postgres", ""] {
            text(&mut body, word);
        }
        let mut startup = length(&body)?;
        startup.extend(body);
        connection.exchange(&startup).await?;

        let mut parse = Vec::new();
        text(&mut parse, "effective");
        text(&mut parse, statement);
        parse.extend(0_i16.to_be_bytes());
        let mut messages = message(b'P', &parse)?;
        messages.extend(message(b'S', &[])?);
        connection.exchange(&messages).await?;
        Ok(connection)
    }

    async fn execute(&mut self, parameters: [&str; 2]) -> anyhow::Result<Vec<String>> {
        let mut bind = Vec::with_capacity(64);
        text(&mut bind, "");
        text(&mut bind, "effective");
        bind.extend(0_i16.to_be_bytes());
        bind.extend(2_i16.to_be_bytes());
        for parameter in parameters {
            bind.extend(i32::try_from(parameter.len())?.to_be_bytes());
            bind.extend(parameter.as_bytes());
        }
        bind.extend(0_i16.to_be_bytes());
        let mut messages = message(b'B', &bind)?;
        // Without a name, and without a limit of rows.
        messages.extend(message(b'E', &[0; 5])?);
        messages.extend(message(b'S', &[])?);
        self.exchange(&messages).await
    }

    /// Sends messages, reads until the server is ready again, and gives the first row that came.
    async fn exchange(&mut self, messages: &[u8]) -> anyhow::Result<Vec<String>> {
        self.0.get_mut().write_all(messages).await?;
        let mut row = None;
        loop {
            let kind = self.0.read_u8().await?;
            let length = usize::try_from(self.0.read_i32().await?)?.saturating_sub(4);
            anyhow::ensure!(length <= LARGEST, "a message of {length} bytes");
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).await?;
            match kind {
                READY => return Ok(row.unwrap_or_default()),
                ERROR => bail!("PostgreSQL: {}", String::from_utf8_lossy(&body)),
                ROW if row.is_none() => row = Some(columns(&body)?),
                _ => {}
            }
        }
    }
}

fn columns(mut body: &[u8]) -> anyhow::Result<Vec<String>> {
    let (count, rest) = body.split_first_chunk::<2>().context("a short row")?;
    body = rest;
    (0..u16::from_be_bytes(*count))
        .map(|_| {
            let (length, rest) = body.split_first_chunk::<4>().context("a short row")?;
            // NULL has the length -1, and is no text.
            let length = usize::try_from(i32::from_be_bytes(*length)).unwrap_or_default();
            let (column, rest) = rest.split_at_checked(length).context("a short row")?;
            body = rest;
            Ok(String::from_utf8(column.to_vec())?)
        })
        .collect()
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend(text.as_bytes());
    body.push(0);
}

fn length(body: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(i32::try_from(body.len().saturating_add(4))?
        .to_be_bytes()
        .to_vec())
}

fn message(kind: u8, body: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut message = Vec::from([kind]);
    message.extend(length(body)?);
    message.extend(body);
    Ok(message)
}
