# Standard errors, degrees of freedom, MDES and power of every design with a main
# effect, mediation and several outcomes, from the formulas in base R, written
# apart from the Go code. Noncentral t by R's pt, several outcomes by nested
# integrate(). Run: Rscript designs.R > designs_R.csv
pw <- function(es, se, df, a = .05, tails = 2) {
  cr <- qt(1 - a / tails, df)
  up <- pt(cr, df, es / se, lower.tail = FALSE)
  if (tails == 2) up + pt(-cr, df, es / se) else up
}
out <- function(design, set, name, x) cat(sprintf("%s,%s,%s,%.15g\n", design, set, name, x))
main <- function(design, set, se2, df, es = .25, a = .05, power = .8, tails = 2) {
  se <- sqrt(se2)
  out(design, set, "se", se); out(design, set, "df", df)
  out(design, set, "mdes_central", se * (qt(1 - a / tails, df) + qt(power, df)))
  out(design, set, "mdes", uniroot(function(d) pw(d, se, df, a, tails) - power, c(1e-6, 100 * se), tol = 1e-13)$root)
  out(design, set, "power", pw(es, se, df, a, tails))
}
cat("design,inputs,result,value\n")
p <- .4; q <- p * (1 - p)
main("ira1", "n=300 p=0.4 r21=0.3 g1=2", (1 - .3) / (q * 300), 300 - 2 - 2)
main("bira2c1", "n=25 J=14 p=0.4 r21=0.3 g1=1", (1 - .3) / (q * 14 * 25), 14 * 24 - 1 - 1)
main("bira2f1", "n=25 J=14 p=0.4 r21=0.3 g1=1", (1 - .3) / (q * 14 * 25), 14 * 23 - 1)
main("bira2", "n=25 J=14 p=0.4 rho2=0.2 omega2=0.3 r2t2=0.1 r21=0.3 g2=1",
     .2 * .3 * .9 / 14 + .8 * .7 / (q * 14 * 25), 14 - 1 - 1)
main("bira3", "n=20 J=5 K=12 p=0.4 rho2=0.15 rho3=0.1 omega2=0.3 omega3=0.2 r2t2=0.1 r2t3=0.25 r21=0.3 g3=1",
     .1 * .2 * .75 / 12 + .15 * .3 * .9 / 60 + .75 * .7 / (q * 1200), 12 - 1 - 1)
main("bira4", "n=10 J=3 K=4 L=9 p=0.4 rho2=0.15 rho3=0.1 rho4=0.05 omega2=0.3 omega3=0.2 omega4=0.5 r2t2=0.1 r2t3=0.25 r2t4=0.2 r21=0.3 g4=1",
     .05 * .5 * .8 / 9 + .1 * .2 * .75 / 36 + .15 * .3 * .9 / 108 + .7 * .7 / (q * 1080), 9 - 1 - 1)
main("cra2", "n=20 J=31 p=0.4 rho2=0.2 r21=0.3 r22=0.5 g2=2 es=0.4 alpha=0.01 power=0.9",
     .2 * .5 / (q * 31) + .8 * .7 / (q * 620), 31 - 2 - 2, es = .4, a = .01, power = .9)
main("cra2", "n=20 J=6 rho2=0.2 tails=1 es=0.6", .2 / (.25 * 6) + .8 / (.25 * 120), 4, es = .6, tails = 1)
main("cra3", "n=15 J=3 K=40 p=0.4 rho2=0.17 rho3=0.06 r21=0.3 r22=0.5 r23=0.6 g3=2",
     (.06 * .4 + .17 * .5 / 3 + .77 * .7 / 45) / (q * 40), 40 - 2 - 2)
main("cra4", "n=10 J=2 K=3 L=20 p=0.4 rho2=0.1 rho3=0.05 rho4=0.05 r21=0.3 r22=0.5 r23=0.8 r24=0.2 g4=1",
     (.05 * .8 + .05 * .2 / 3 + .1 * .5 / 6 + .8 * .7 / 60) / (q * 20), 20 - 1 - 2)
main("bcra3c2", "n=20 J=6 K=5 rho2=0.1 rho3=0.07 r21=0.3 r22=0.5 g2=1",
     (.1 * .5 + .83 * .7 / 20) / (.25 * 30), 5 * 5 - 1 - 1)
main("bcra3f2", "n=20 J=6 K=5 rho2=0.1 rho3=0.07 r21=0.3 r22=0.5 g2=1",
     (.1 * .5 + .83 * .7 / 20) / (.25 * 30), 5 * 4 - 1)
main("bcra3r2", "n=20 J=6 K=9 rho2=0.1 rho3=0.07 omega3=0.4 r2t3=0.1 r21=0.3 r22=0.5 g3=1",
     .07 * .4 * .9 / 9 + (.1 * .5 + .83 * .7 / 20) / (.25 * 54), 9 - 1 - 1)
main("bcra4c3", "n=10 J=2 K=6 L=5 rho2=0.1 rho3=0.07 r21=0.3 r22=0.5 r23=0.4 g3=1",
     (.07 * .6 + .1 * .5 / 2 + .83 * .7 / 20) / (.25 * 30), 5 * 5 - 1 - 1)
main("bcra4f3", "n=10 J=2 K=6 L=5 rho2=0.1 rho3=0.07 r21=0.3 r22=0.5 r23=0.4 g3=1",
     (.07 * .6 + .1 * .5 / 2 + .83 * .7 / 20) / (.25 * 30), 5 * 4 - 1)
main("bcra4r2", "n=10 J=4 K=4 L=20 rho2=0.15 rho3=0.15 rho4=0.05 omega3=0.5 omega4=0.5 r2t3=0.1 r2t4=0.2 r21=0.3 r22=0.5 g4=1",
     .05 * .5 * .8 / 20 + .15 * .5 * .9 / 80 + (.15 * .5 + .65 * .7 / 10) / (.25 * 320), 20 - 1 - 1)
main("bcra4r3", "n=10 J=4 K=4 L=20 rho2=0.15 rho3=0.15 rho4=0.05 omega4=0.5 r2t4=0.2 r21=0.3 r22=0.5 r23=0.4 g4=1",
     .05 * .5 * .8 / 20 + (.15 * .6 + .15 * .5 / 4 + .65 * .7 / 40) / (.25 * 80), 20 - 1 - 1)
# Attrition and take-up: the sizes shrink, the effect is that on compliers.
m <- function(q1, q2) .2 / (.25 * 40 * (1 - q2)) + .8 / (.25 * 40 * (1 - q2) * 20 * (1 - q1))
out("cra2", "n=20 J=40 rho2=0.2 q1=0.1 q2=0.05 takeup=0.8 crossover=0.1", "power", pw(.25 * .7, sqrt(m(.1, .05)), 36))
out("cra2", "n=20 J=40 rho2=0.2 q1=0.1 q2=0.05 takeup=0.8 crossover=0.1", "mdes_central",
    sqrt(m(.1, .05)) * (qt(.975, 36) + qt(.8, 36)) / .7)
# Unequal sizes: best weights (van Breukelen et al. 2007) and weights by size.
l <- 20 * .2 / (20 * .2 + .8)
out("cra2", "n=20 J=40 rho2=0.2 cv=0.5", "se", sqrt((.2 + .8 / 20) / (1 - .25 * l * (1 - l)) / 10))
out("cra2", "n=20 J=40 rho2=0.2 cv=0.5 ols=1", "se", sqrt((.2 * 1.25 + .8 / 20) / 10))
out("cra3", "n=20 J=4 K=30 rho2=0.1 rho3=0.1 cv=0.5 ols=1", "se", sqrt((.1 * (1 + .25 / 4) + .1 * 1.25 / 4 + .8 / 80) / 7.5))
# 3-2-1 mediation.
s <- "n=12 J=3 K=50 p=0.4 rho2=0.1 rho3=0.15 rhom3=0.3 a=0.5 b=0.3 r2m2=0.1 r2m3=0.2 r21=0.3 r22=0.4 r23=0.5"
vm <- .3 * .8 + .7 * .9 / 3
va <- vm / (q * 45); vb <- (.15 * .5 + .1 * .6 / 3 + .75 * .7 / 36) / (44 * vm)
out("med321", s, "se_a", sqrt(va)); out("med321", s, "se_b", sqrt(vb))
out("med321", s, "power_joint", pw(.5, sqrt(va), 45) * pw(.3, sqrt(vb), 44))
z <- .15 / sqrt(.25 * vb + .09 * va)
out("med321", s, "power_sobel", pnorm(z - qnorm(.975)) + pnorm(-z - qnorm(.975)))
# The Monte Carlo interval leaves out 0 where P(a*b* < 0) is below 2.5% or above 97.5%.
below <- function(x, y) pnorm(-x) * pnorm(y) + pnorm(x) * pnorm(-y)
da <- .5 / sqrt(va); db <- .3 / sqrt(vb)
given <- function(x) sapply(x, function(x) {
  if (below(abs(x), 40) >= .025) return(0)
  t <- uniroot(function(y) below(abs(x), y) - .025, c(0, 40), tol = 1e-13)$root
  dnorm(x - da) * (pnorm(db - t) + pnorm(-db - t))
})
cc <- qnorm(.975)
out("med321", s, "power_montecarlo", integrate(given, cc, da + 9, rel.tol = 1e-9, subdivisions = 2000)$value +
      integrate(given, -9, -cc, rel.tol = 1e-9, subdivisions = 2000)$value)
# The two fits: given x, the mediator's error sum of squares over its error
# variance, chi-squared with nu df, t_a is normal over sqrt(x/nu) and t_b noncentral t.
# Sobel's and the Monte Carlo test reject where |t_b| > limit(|t_a|), infinite up to c.
fits <- function(a, va, nu, b, vyvm, dfb, c, limit) {
  tb <- function(y, x) pt(y, dfb, b * sqrt(x / vyvm), lower.tail = FALSE) + pt(-y, dfb, b * sqrt(x / vyvm))
  given <- function(x) sapply(x, function(x) {
    f <- function(s) sapply(s, function(s) dnorm(s * sqrt(x / nu) - a / sqrt(va)) * sqrt(x / nu) * tb(limit(abs(s)), x))
    (integrate(f, c, c + 1, rel.tol = 1e-9, subdivisions = 1000)$value + integrate(f, c + 1, 40, rel.tol = 1e-9, subdivisions = 1000)$value +
      integrate(f, -c - 1, -c, rel.tol = 1e-9, subdivisions = 1000)$value + integrate(f, -40, -c - 1, rel.tol = 1e-9, subdivisions = 1000)$value) * dchisq(x, nu)
  })
  integrate(given, qchisq(1e-13, nu), qchisq(1 - 1e-13, nu), rel.tol = 1e-8)$value
}
z <- qnorm(.975)
sobel <- function(x) z * x / sqrt(x^2 - z^2)
montecarlo <- function(x) qnorm(1 - (.025 - pnorm(-x)) / (1 - 2 * pnorm(-x)))
all <- function(design, s, ...) {
  f <- list(...)
  out(design, s, "power_joint_fits", do.call(fits, c(f, c = qt(.975, f[[3]]), limit = function(x) qt(.975, f[[6]]))))
  out(design, s, "power_sobel_fits", do.call(fits, c(f, c = z, limit = sobel)))
  out(design, s, "power_montecarlo_fits", do.call(fits, c(f, c = z, limit = montecarlo)))
}
all("med321", s, .5, va * 45 / 50, 45, .3, vb * 44 * vm / vm, 44)
s <- "n=15 J=60 a=0.5 b=0.15 cp=0.05 rho2=0.15 r22=0.5 r21=0.4 r2m2=0.2"
vm <- 1 - .2 - .25 * .25
vy <- .15 * .5 - .25 * .125^2 - .15^2 * vm + .85 * .6 / 15
all("med221", s, .5, vm / (.25 * 60), 57, .15, vy / vm, 56)
# Several outcomes: any and all of M, multivariate t.
several <- function(m, r, se, df, es, a) {
  cr <- qt(1 - a / 2, df); d <- es / se
  prob <- function(k) {
    f <- function(z, s) {
      e <- pnorm((d + sqrt(r) * z - cr * s) / sqrt(1 - r)) + pnorm((-d - sqrt(r) * z - cr * s) / sqrt(1 - r))
      if (k == 0) (1 - e)^m else e^m
    }
    inner <- function(s) sapply(s, function(s) integrate(function(z) dnorm(z) * f(z, s), -9, 9, rel.tol = 1e-10)$value)
    integrate(function(s) inner(s) * 2 * s * df * dchisq(df * s^2, df), 0, 6, rel.tol = 1e-10, subdivisions = 500)$value
  }
  c(any = 1 - prob(0), all = prob(m))
}
se <- sqrt(.2 / 10 + .8 / 200); s <- "n=20 J=40 rho2=0.2 M=4 r=0.5"
out("cra2", s, "any", several(4, .5, se, 38, .25, .05)["any"])
out("cra2", s, "complete", several(4, .5, se, 38, .25, .05)["all"])
out("cra2", s, "any_bonferroni", several(4, .5, se, 38, .25, .05 / 4)["any"])
out("cra2", s, "power_bonferroni", pw(.25, se, 38, .05 / 4))
out("cra2", s, "any_sidak", several(4, .5, se, 38, .25, 1 - .95^(1 / 4))["any"])
# The cheapest three-level design.
s <- "c1=1 c2=10 c3=100 budget=5000 rho2=0.1 rho3=0.15 r21=0.3 r22=0.4 r23=0.5"
n <- sqrt(10 * .75 * .7 / (.1 * .6)); J <- sqrt(100 * .1 * .6 / (10 * .15 * .5))
out("optimal3", s, "n", n); out("optimal3", s, "J", J); out("optimal3", s, "K", 5000 / (100 + J * (10 + n)))
