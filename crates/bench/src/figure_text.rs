//! Figures and targets as people read them.

/// As many digits as mean something.
pub(crate) fn figure_text(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// `>= 0.85`, or `<= 5 ms`.
pub(crate) fn target_text(comparison: &str, number: f64, of: &str, unit: &str) -> String {
    let number = if number.fract() == 0.0 && of != "ratio" {
        format!("{number:.0}")
    } else {
        format!("{number:.2}")
    };
    match of {
        "ratio" => format!("{comparison} {number}"),
        "ours" => format!("{comparison} {number} {unit}"),
        _ => format!("+ {number} {unit}"),
    }
}

/// `1,000,000`.
pub(crate) fn in_thousands(number: usize) -> String {
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{},{:03}", in_thousands(thousands), number % 1000),
    }
}
