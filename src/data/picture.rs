//! Pictures in memory, and how their files are read.

use std::io::Cursor;
use std::panic::catch_unwind;

use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use mmf_lang::say;

use crate::error::{Error, Result};

/// A picture: 8-bit samples, row after row, channels together (1 grey, 3 red green blue).
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub samples: Vec<u8>,
}

/// How large a picture may be that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of the longer side.
    pub side: u32,
    /// Pixels of the whole.
    pub pixels: u64,
    /// Bytes that its decoder may ask for.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { side: 20_000, pixels: 64_000_000, bytes: 256 << 20 }
    }
}

/// Reads a picture file to red, green and blue.
///
/// The format is found by the content, never by the name: PNG, JPEG, WebP, GIF (its first frame), BMP, TIFF, PNM. Grey
/// becomes three channels, what is transparent lies on white, and a camera's turn (EXIF) is undone.
///
/// Fails with `E1011` (not a picture), `E1012` (cut off or damaged) and `E1013` (larger than the limits, by what its
/// header claims: nothing is asked for before that is known). Never panics, and never gives half a picture.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture> {
    catch_unwind(|| decode_here(bytes, limits)).unwrap_or_else(|_| Err(damaged("its decoder gave up")))
}

fn decode_here(bytes: &[u8], limits: &Limits) -> Result<Picture> {
    if bytes.is_empty() {
        return Err(Error::new("E1011", say!("this is not a picture: the file is empty", "这不是图片：文件为空")));
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| damaged(&e.to_string()))?;
    let Some(format) = reader.format() else {
        return Err(Error::new("E1011", say!("this is not a picture of a known format", "这不是已知格式的图片")).help(
            say!(
                "PNG, JPEG, WebP, GIF, BMP, TIFF and PNM can be read",
                "可读取 PNG、JPEG、WebP、GIF、BMP、TIFF 和 PNM"
            ),
        ));
    };
    if format == ImageFormat::Jpeg && !jpeg_ends(bytes) {
        return Err(damaged("the end of its data is missing"));
    }
    let mut reader = reader;
    let mut allowed = image::Limits::no_limits();
    allowed.max_alloc = Some(limits.bytes);
    reader.limits(allowed.clone());
    let mut decoder = reader.into_decoder().map_err(|e| explain(&e, limits))?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > limits.side || pixels > limits.pixels || decoder.total_bytes() > limits.bytes {
        let (side, millions) = (limits.side, limits.pixels / 1_000_000);
        return Err(Error::new(
            "E1013",
            say!(
                "the picture is too large: it claims {width} × {height} pixels",
                "图片过大：其声明为 {width} × {height} 像素"
            ),
        )
        .note(say!(
            "at most {side} pixels a side and {millions} million in all are read",
            "每边最多读取 {side} 像素，总共最多 {millions} 百万像素"
        )));
    }
    if pixels == 0 {
        return Err(damaged("it claims no pixels"));
    }
    let turn = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| explain(&e, limits))?;
    if let Some(turn) = turn {
        picture.apply_orientation(turn);
    }
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let samples = if picture.color().has_alpha() {
        on_white(picture.into_rgba8().as_raw())
    } else {
        picture.into_rgb8().into_raw()
    };
    Ok(Picture { height, width, channels: 3, samples })
}

/// Lays what is transparent on white.
fn on_white(samples: &[u8]) -> Vec<u8> {
    let blend = |x: u8, alpha: u8| ((u32::from(x) * u32::from(alpha) + 255 * u32::from(255 - alpha) + 127) / 255) as u8;
    samples.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, a]| [blend(r, a), blend(g, a), blend(b, a)]).collect()
}

/// Tells whether a JPEG has its end. The decoder fills up what is missing with grey, so it has to be asked before.
///
/// Walks from marker to marker: previews in the header have ends of their own.
fn jpeg_ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // A marker is 255 and a code; 255 may be repeated before it.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(0xff), Some(&code)) = (bytes.get(at), bytes.get(at + 1)) else { return false };
        at += 2;
        match code {
            0xd9 => return true,
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return false };
        at += usize::from(u16::from_be_bytes([high, low])).max(2);
        if code == 0xda {
            // The scan's data: 255 is followed by 0 or by a restart there, until the next marker.
            let Some(rest) = bytes.get(at..) else { return false };
            let next = rest.windows(2).position(|w| w[0] == 0xff && !matches!(w[1], 0 | 0xd0..=0xd7 | 0xff));
            let Some(next) = next else { return false };
            at += next;
        }
    }
}

fn damaged(reason: &str) -> Error {
    Error::new("E1012", say!("the picture is cut off or damaged: {reason}", "图片不完整或已损坏：{reason}"))
}

fn explain(error: &ImageError, limits: &Limits) -> Error {
    match error {
        ImageError::Limits(_) => {
            let bytes = limits.bytes >> 20;
            Error::new(
                "E1013",
                say!(
                    "the picture is too large: reading it would take more than {bytes} MiB",
                    "图片过大：读取它需要超过 {bytes} MiB 内存"
                ),
            )
        }
        ImageError::Unsupported(reason) => {
            Error::new("E1011", say!("this kind of picture cannot be read: {reason}", "无法读取此类图片：{reason}"))
        }
        other => damaged(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};

    fn bad(name: &str) -> Error {
        let path = format!("{}/../../tests/fixtures/bad/{name}", env!("CARGO_MANIFEST_DIR"));
        decode(&std::fs::read(path).unwrap(), &Limits::default()).expect_err(name)
    }

    fn encoded(format: ImageFormat, picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn bad_files_are_told_apart() {
        assert_eq!(bad("empty.png").code, "E1011");
        assert_eq!(bad("text-not-picture.png").code, "E1011");
        assert_eq!(bad("truncated.png").code, "E1012");
        assert_eq!(bad("truncated.jpg").code, "E1012");
        assert_eq!(bad("truncated-scan.jpg").code, "E1012");
        let huge = bad("huge-header.png");
        assert_eq!(huge.code, "E1013");
        assert!(huge.message.en.contains("100000 × 100000"), "{}", huge.message.en);
        assert!(huge.message.zh.contains("100000 × 100000"), "{}", huge.message.zh);
    }

    #[test]
    fn no_cut_of_a_picture_panics_or_passes() {
        let picture = DynamicImage::ImageRgb8(image::RgbImage::from_fn(9, 7, |x, y| {
            image::Rgb([(x * 28) as u8, (y * 36) as u8, (x * y * 5) as u8])
        }));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Bmp] {
            let bytes = encoded(format, &picture);
            assert!(decode(&bytes, &Limits::default()).is_ok(), "{format:?}");
            for end in 0..bytes.len() {
                let found = decode(&bytes[..end], &Limits::default());
                // Only what holds no pixel may be gone: the closing chunk of a PNG and the last byte of a GIF.
                let whole =
                    found.as_ref().is_ok_and(|p| Ok(p) == decode(&bytes, &Limits::default()).as_ref().map_err(|_| ()));
                assert!(found.is_err() || whole, "{format:?} cut at {end} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn grey_has_three_channels_and_transparent_is_white() {
        let grey = DynamicImage::ImageLuma8(image::GrayImage::from_raw(2, 1, vec![3, 200]).unwrap());
        let found = decode(&encoded(ImageFormat::Png, &grey), &Limits::default()).unwrap();
        assert_eq!((found.height, found.width, found.channels), (1, 2, 3));
        assert_eq!(found.samples, [3, 3, 3, 200, 200, 200]);

        let clear = vec![10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128];
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_raw(3, 1, clear).unwrap());
        let found = decode(&encoded(ImageFormat::Png, &clear), &Limits::default()).unwrap();
        assert_eq!(found.samples, [255, 255, 255, 10, 20, 30, 127, 127, 127]);
    }

    #[test]
    fn a_cameras_turn_is_undone() {
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        // EXIF, little-endian, one entry: orientation (274), a short, 6 (a quarter turn clockwise).
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.write_image(&[0, 0, 255, 255], 2, 2, ExtendedColorType::L8).unwrap();
        let found = decode(&bytes, &Limits::default()).unwrap();
        let bright: Vec<bool> = found.samples.chunks_exact(3).map(|p| p[0] > 127).collect();
        assert_eq!(bright, [true, false, true, false]);
    }

    #[test]
    fn limits_are_held() {
        let grey = DynamicImage::ImageLuma8(image::GrayImage::new(30, 2));
        let bytes = encoded(ImageFormat::Png, &grey);
        let limits = |side, pixels| Limits { side, pixels, ..Limits::default() };
        assert_eq!(decode(&bytes, &limits(29, 1000)).unwrap_err().code, "E1013");
        assert_eq!(decode(&bytes, &limits(30, 59)).unwrap_err().code, "E1013");
        assert!(decode(&bytes, &limits(30, 60)).is_ok());
    }
}
