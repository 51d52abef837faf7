//! What goes into an ONNX file's network and what comes out, read from its head: weights are passed over, so that a check
//! costs the same whatever their size.
//!
//! The field numbers are those of onnx.proto3.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::Path;

use mmf_lang::say;
use mmf_lang::world::{Port, Ports};

use crate::extract::fault::Fault;

/// Bytes of a name or a shape, at most.
const NAME: u64 = 1 << 16;
const FLOAT: u64 = 1;

/// Returns the inputs that are no weights, and the outputs, in the order of the file.
pub(crate) fn ports(path: &Path) -> Result<Ports, Fault> {
    let file = File::open(path).map_err(Fault::Unreadable)?;
    let length = file.metadata().map_err(Fault::Unreadable)?.len();
    let mut skim = Skim { inner: BufReader::with_capacity(1 << 14, file), at: 0 };
    let mut ports = Ports::default();
    let mut weights = Vec::new();
    let mut graphs = 0;
    while skim.at < length {
        match skim.field(length)? {
            (7, Wire::Bytes(end)) => {
                graphs += 1;
                skim.graph(end, &mut ports, &mut weights)?;
            }
            (_, Wire::Bytes(end)) => skim.skip_to(end)?,
            (_, Wire::Number(_)) => {}
        }
    }
    ports.inputs.retain(|port| !weights.contains(&port.name));
    if graphs != 1 || ports.outputs.is_empty() {
        return Err(broken());
    }
    Ok(ports)
}

fn broken() -> Fault {
    Fault::Broken(say!("it is no ONNX model, or was cut off", "它不是 ONNX 模型，或文件不完整"))
}

/// A field's value: a number, or the place where its bytes end.
enum Wire {
    Number(u64),
    Bytes(u64),
}

struct Skim {
    inner: BufReader<File>,
    /// Bytes read so far.
    at: u64,
}

impl Skim {
    fn field(&mut self, end: u64) -> Result<(u64, Wire), Fault> {
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => Wire::Bytes(self.at + 8),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.at.checked_add(length).ok_or_else(broken)?)
            }
            5 => Wire::Bytes(self.at + 4),
            _ => return Err(broken()),
        };
        match wire {
            Wire::Bytes(to) if to > end => Err(broken()),
            _ if self.at > end => Err(broken()),
            wire => Ok((key >> 3, wire)),
        }
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            self.inner.read_exact(&mut byte).map_err(unread)?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(broken())
    }

    fn skip_to(&mut self, end: u64) -> Result<(), Fault> {
        let by = i64::try_from(end - self.at).map_err(|_| broken())?;
        self.inner.seek_relative(by).map_err(Fault::Unreadable)?;
        self.at = end;
        Ok(())
    }

    fn text(&mut self, end: u64) -> Result<String, Fault> {
        let length = end - self.at;
        if length > NAME {
            return Err(broken());
        }
        let mut bytes = vec![0; length as usize];
        self.inner.read_exact(&mut bytes).map_err(unread)?;
        self.at = end;
        String::from_utf8(bytes).map_err(|_| broken())
    }

    fn graph(&mut self, end: u64, ports: &mut Ports, weights: &mut Vec<String>) -> Result<(), Fault> {
        while self.at < end {
            match self.field(end)? {
                (5, Wire::Bytes(end)) => weights.extend(self.named(end, 8)?),
                (11, Wire::Bytes(end)) => ports.inputs.push(self.port(end)?),
                (12, Wire::Bytes(end)) => ports.outputs.push(self.port(end)?),
                (_, Wire::Bytes(end)) => self.skip_to(end)?,
                (_, Wire::Number(_)) => {}
            }
        }
        Ok(())
    }

    /// Returns the text in the field of that number.
    fn named(&mut self, end: u64, number: u64) -> Result<Option<String>, Fault> {
        let mut found = None;
        while self.at < end {
            match self.field(end)? {
                (field, Wire::Bytes(end)) if field == number => found = Some(self.text(end)?),
                (_, Wire::Bytes(end)) => self.skip_to(end)?,
                (_, Wire::Number(_)) => {}
            }
        }
        Ok(found)
    }

    /// Reads a `ValueInfoProto`.
    fn port(&mut self, end: u64) -> Result<Port, Fault> {
        let mut port = Port::default();
        while self.at < end {
            match self.field(end)? {
                (1, Wire::Bytes(end)) => port.name = self.text(end)?,
                (2, Wire::Bytes(end)) => self.kind(end, &mut port)?,
                (_, Wire::Bytes(end)) => self.skip_to(end)?,
                (_, Wire::Number(_)) => {}
            }
        }
        Ok(port)
    }

    /// Reads a `TypeProto`, of which only arrays are told.
    fn kind(&mut self, end: u64, port: &mut Port) -> Result<(), Fault> {
        while self.at < end {
            match self.field(end)? {
                (1, Wire::Bytes(end)) => {
                    while self.at < end {
                        match self.field(end)? {
                            (1, Wire::Number(kind)) => port.float = kind == FLOAT,
                            (2, Wire::Bytes(end)) => {
                                while self.at < end {
                                    match self.field(end)? {
                                        (1, Wire::Bytes(end)) => port.shape.push(self.side(end)?),
                                        (_, Wire::Bytes(end)) => self.skip_to(end)?,
                                        (_, Wire::Number(_)) => {}
                                    }
                                }
                            }
                            (_, Wire::Bytes(end)) => self.skip_to(end)?,
                            (_, Wire::Number(_)) => {}
                        }
                    }
                }
                (_, Wire::Bytes(end)) => self.skip_to(end)?,
                (_, Wire::Number(_)) => {}
            }
        }
        Ok(())
    }

    /// Reads one side of a shape; `None` where it has a name or nothing.
    fn side(&mut self, end: u64) -> Result<Option<u64>, Fault> {
        let mut side = None;
        while self.at < end {
            match self.field(end)? {
                (1, Wire::Number(n)) => side = Some(n).filter(|&n| n > 0 && n <= i64::MAX as u64),
                (_, Wire::Bytes(end)) => self.skip_to(end)?,
                (_, Wire::Number(_)) => {}
            }
        }
        Ok(side)
    }
}

fn unread(error: std::io::Error) -> Fault {
    match error.kind() {
        ErrorKind::UnexpectedEof => broken(),
        _ => Fault::Unreadable(error),
    }
}
